//! Which of a few words somebody may have meant.

/// `: did you mean …?` where a candidate is near, else nothing.
pub fn did_you_mean<'c>(text: &str, candidates: impl Iterator<Item = &'c str>) -> String {
    // A long text is no slip of a known short one; the distance costs its length squared.
    if text.len() > 64 {
        return String::new();
    }
    candidates
        .map(|candidate| (distance(text, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 5)
        .min()
        .map(|(_, candidate)| format!(": did you mean `{candidate}`?"))
        .unwrap_or_default()
}

/// Levenshtein's edit distance (Levenshtein, 1966), one row at a time.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, letter) in from.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        let mut next = vec![left];
        for (wanted, over) in to.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(*wanted != letter))
                .min(left + 1)
                .min(over + 1);
            diagonal = *over;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
