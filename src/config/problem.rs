//! Where in which file something is wrong, and the list of all of it.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

use toml_edit::Document;

/// One thing that is wrong: `file:line:column: subject: what and what to do`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// Column in characters, from 1; 0 where the whole file is meant.
    pub column: usize,
    /// What it is about, such as `camera yard-1`; may be empty.
    pub subject: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    /// A problem of a whole file.
    pub fn of_file(path: &Path, message: String) -> Self {
        Self {
            path: path.to_owned(),
            line: 0,
            column: 0,
            subject: String::new(),
            message,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.subject.is_empty() {
            write!(f, ": {}", self.subject)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that is wrong, sorted by file, line and column; one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    problems: Vec<Problem>,
}

impl ConfigErrors {
    pub fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// What is wrong; never empty.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// A parsed file that still knows where everything stood.
pub struct File<'t> {
    pub path: &'t Path,
    text: &'t str,
    pub document: Document<&'t str>,
}

impl<'t> File<'t> {
    /// Parses TOML; a syntax error goes to the report.
    pub fn parse(path: &'t Path, text: &'t str, report: &Report) -> Option<Self> {
        match Document::parse(text) {
            Ok(document) => Some(Self {
                path,
                text,
                document,
            }),
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                let (line, column) = line_and_column(text, offset);
                report.add(Problem {
                    path: path.to_owned(),
                    line,
                    column,
                    subject: String::new(),
                    message: format!("this is no TOML: {}", error.message().replace('\n', ", ")),
                });
                None
            }
        }
    }
}

/// A place in a file.
#[derive(Clone, Copy)]
pub struct Spot<'f> {
    pub file: &'f File<'f>,
    pub offset: usize,
}

impl Spot<'_> {
    /// `file:line` for a message about another place.
    pub fn short(&self) -> String {
        let (line, _) = line_and_column(self.file.text, self.offset);
        format!("{}:{line}", self.file.path.display())
    }

    fn problem(&self, subject: &str, message: String) -> Problem {
        let (line, column) = line_and_column(self.file.text, self.offset);
        Problem {
            path: self.file.path.to_owned(),
            line,
            column,
            subject: subject.to_owned(),
            message,
        }
    }
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    // Characters, not bytes: every byte that does not continue a UTF-8 sequence begins one.
    let column = before
        .iter()
        .skip(start)
        .filter(|byte| **byte & 0xC0 != 0x80)
        .count();
    (line, column + 1)
}

/// Collects problems while the reading goes on.
#[derive(Default)]
pub struct Report {
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
}

impl Report {
    /// Takes a problem, once: a wrong default is one problem, however many cameras inherit it.
    pub fn problem(&self, at: Spot<'_>, subject: &str, message: impl Into<String>) {
        self.add(at.problem(subject, message.into()));
    }

    pub fn warning(&self, at: Spot<'_>, subject: &str, message: impl Into<String>) {
        self.warnings
            .borrow_mut()
            .push(at.problem(subject, message.into()));
    }

    fn add(&self, problem: Problem) {
        let mut problems = self.problems.borrow_mut();
        let known = problems.iter().any(|other| {
            (other.line, other.column) == (problem.line, problem.column)
                && other.message == problem.message
                && other.path == problem.path
        });
        if !known {
            problems.push(problem);
        }
    }

    /// Problems and warnings, each sorted by file and line.
    pub fn into_parts(self) -> (Vec<Problem>, Vec<Problem>) {
        let (mut problems, mut warnings) = (self.problems.into_inner(), self.warnings.into_inner());
        problems.sort();
        warnings.sort();
        (problems, warnings)
    }
}
