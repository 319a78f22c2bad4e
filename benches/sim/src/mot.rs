//! `frame,id,left,top,width,height,score,…`: one box a line.

use std::path::Path;

/// One box of a MOTChallenge file; lengths in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// Frame number, from 1.
    pub frame: u32,
    /// Truth or track id; -1 in detection files.
    pub id: i64,
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Confidence; in truth files 0 means "does not count".
    pub score: f64,
}

impl Entry {
    /// Intersection over union.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f64 {
        let across =
            (self.left + self.width).min(other.left + other.width) - self.left.max(other.left);
        let down = (self.top + self.height).min(other.top + other.height) - self.top.max(other.top);
        let shared = across.max(0.0) * down.max(0.0);
        let union = self.width * self.height + other.width * other.height - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum MotError {
    /// It cannot be read.
    #[error("{path}: {source}")]
    Read {
        path: String,
        /// The operating system's words.
        source: std::io::Error,
    },
    /// A line is not in the format.
    #[error("{path}:{line}: {what}; expected frame,id,left,top,width,height[,score,…]")]
    Line {
        path: String,
        /// From 1.
        line: usize,
        /// What does not fit.
        what: String,
    },
}

/// Parses a file's text; `path` is for the error. Boxes come back sorted by frame, then by id.
///
/// # Errors
/// [`MotError::Line`] for the first line that is not in the format.
pub fn parse(text: &str, path: &Path) -> Result<Vec<Entry>, MotError> {
    let mut entries = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let entry = parse_line(line).map_err(|what| MotError::Line {
            path: path.display().to_string(),
            line: number + 1,
            what,
        })?;
        entries.push(entry);
    }
    entries.sort_by_key(|entry| (entry.frame, entry.id));
    Ok(entries)
}

fn parse_line(line: &str) -> Result<Entry, String> {
    let fields: Vec<&str> = line
        .split([',', ' ', '\t'])
        .map(str::trim)
        .filter(|field| !field.is_empty())
        .collect();
    if fields.len() < 6 {
        return Err(format!("{} fields", fields.len()));
    }
    let number = |at: usize| -> Result<f64, String> {
        let value: f64 = fields[at]
            .parse()
            .map_err(|_| format!("`{}` is no number", fields[at]))?;
        if value.is_finite() {
            Ok(value)
        } else {
            Err(format!("`{}` is not finite", fields[at]))
        }
    };
    let frame = number(0)?;
    if frame < 1.0 || frame.fract() != 0.0 || frame > f64::from(u32::MAX) {
        return Err(format!("`{}` is no frame number", fields[0]));
    }
    let score = if fields.len() > 6 { number(6)? } else { 1.0 };
    Ok(Entry {
        frame: frame as u32,
        id: number(1)? as i64,
        left: number(2)?,
        top: number(3)?,
        width: number(4)?,
        height: number(5)?,
        score,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_named() {
        let path = Path::new("out.txt");
        let error = parse("1,1,0,0,5,5,1\n\n2,1,0,x,5,5,1\n", path).expect_err("bad");
        assert!(
            error.to_string().starts_with("out.txt:3: `x` is no number"),
            "{error}"
        );
        assert!(parse("0,1,0,0,5,5", path).is_err());
        assert!(parse("1,1,0,0", path).is_err());
        assert!(parse("1,1,nan,0,5,5", path).is_err());
        let good = parse("2,7,1,2,3,4\n1, 9, 1, 2, 3, 4, 0.5, -1, -1, -1\n", path).expect("good");
        assert_eq!((good[0].frame, good[0].score, good[1].id), (1, 0.5, 7));
    }
}
