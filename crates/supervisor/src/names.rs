//! Names that are not known, and the nearest ones that are.

/// How many known names an error lists.
const LISTED: usize = 30;

/// An error about a name that is not known: suggests the nearest known one, or lists them.
pub(crate) fn unknown<'a>(
    kind: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let shown = name.escape_debug();
    if let Some(near) = nearest(name, known.clone()) {
        return format!(
            "unknown {kind} `{shown}`; did you mean `{}`?",
            near.escape_debug()
        );
    }
    let listed: Vec<String> = (known.clone().take(LISTED))
        .map(|name| format!("`{}`", name.escape_debug()))
        .collect();
    let others = known.count().saturating_sub(LISTED);
    match (listed.as_slice(), others) {
        ([], _) => format!("unknown {kind} `{shown}`; there is none"),
        ([only], _) => format!("unknown {kind} `{shown}`; the only one is {only}"),
        (listed, 0) => format!(
            "unknown {kind} `{shown}`; expected one of {}",
            listed.join(", ")
        ),
        (listed, others) => {
            let listed = listed.join(", ");
            format!("unknown {kind} `{shown}`; expected one of {listed} and {others} others")
        }
    }
}

/// The known name that this one probably is a typo of.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // The similarity at which clap suggests an option.
    let similar = |known: &'a str| (strsim::jaro(name, known), known);
    known
        .map(similar)
        .filter(|(similarity, _)| *similarity > 0.7)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}
