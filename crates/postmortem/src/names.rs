//! Function names: demangled for display, and stripped of build-dependent parts for signatures.

use std::borrow::Cow;

/// Maximum length of a name in bytes: template names can be longer than their code.
const MAX_NAME: usize = 400;

/// The demangled name of a symbol, without arguments, return type and hash.
pub fn demangle(symbol: &str) -> String {
    // Suffixes that the compiler adds for parts of a function do not belong to the name.
    let bare = match (legacy_end(symbol), symbol.find('.')) {
        (Some(end), _) => &symbol[..end],
        (_, Some(at)) if symbol.starts_with("_Z") || symbol.starts_with("_R") => &symbol[..at],
        (_, Some(at)) if is_clone(&symbol[at..]) => &symbol[..at],
        _ => symbol,
    };
    let mut name = rust(bare)
        .or_else(|| cpp(bare))
        .unwrap_or_else(|| bare.to_owned());
    shorten(&mut name, MAX_NAME);
    name
}

/// The end of a name in Rust's legacy mangling: after its hash. Only this mangling allows dots
/// before it.
fn legacy_end(symbol: &str) -> Option<usize> {
    const HASH: &str = "17h";
    let at = symbol.starts_with("_ZN").then(|| symbol.rfind(HASH))??;
    let digits = at + HASH.len();
    let end = digits + 16;
    let hash = symbol.as_bytes().get(digits..end)?;
    let is_one = hash.iter().all(u8::is_ascii_hexdigit);
    (is_one && symbol.as_bytes().get(end) == Some(&b'E')).then_some(end + 1)
}

fn is_clone(suffix: &str) -> bool {
    [
        ".part.",
        ".cold",
        ".isra.",
        ".constprop.",
        ".llvm.",
        ".lto_priv",
    ]
    .iter()
    .any(|known| suffix.starts_with(known))
}

fn rust(symbol: &str) -> Option<String> {
    let name = rustc_demangle::try_demangle(symbol).ok()?;
    Some(format!("{name:#}"))
}

fn cpp(symbol: &str) -> Option<String> {
    if !symbol.starts_with("_Z") && !symbol.starts_with("__Z") {
        return None;
    }
    let options = cpp_demangle::DemangleOptions::new()
        .no_params()
        .no_return_type()
        .recursion_limit(200);
    let parsed = cpp_demangle::Symbol::new(symbol).ok()?;
    parsed.demangle_with_options(&options).ok()
}

/// Cuts a text that is longer than this many bytes.
pub(crate) fn shorten(text: &mut String, most: usize) {
    if text.len() > most {
        let end = (0..=most).rev().find(|&i| text.is_char_boundary(i));
        text.truncate(end.unwrap_or(0));
        text.push_str("...");
    }
}

/// Removes template and generic arguments: they name an instantiation, not a location.
///
/// The prefix of a Rust name (`<A as B>::f`) is kept, because it does name a location.
pub fn plain(name: &str) -> Cow<'_, str> {
    if !name.contains('<') {
        return Cow::Borrowed(name);
    }
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len());
    // For each open bracket, whether its content is kept.
    let mut open: Vec<bool> = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let kept = open.iter().all(|&kept| kept);
        let c = chars[at];
        if kept && out.ends_with("operator") && "<>-=!".contains(c) {
            while at < chars.len() && "<>-=!".contains(chars[at]) {
                out.push(chars[at]);
                at += 1;
            }
            continue;
        }
        match c {
            '<' => {
                let keeps = kept && !ends_a_name(&out);
                open.push(keeps);
                if keeps {
                    out.push(c);
                } else if kept && out.ends_with("::") {
                    out.truncate(out.len() - 2);
                }
            }
            // The `>` of an arrow closes nothing. Otherwise it closes the innermost bracket; the
            // end of a kept bracket is kept.
            '>' if (at == 0 || chars[at - 1] != '-') && open.pop() != Some(true) => {}
            c if kept => out.push(c),
            _ => {}
        }
        at += 1;
    }
    if out.is_empty() {
        return Cow::Borrowed(name);
    }
    Cow::Owned(out)
}

fn ends_a_name(text: &str) -> bool {
    if text.ends_with("operator<< ") || text.ends_with("operator< ") {
        return true;
    }
    text.chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || "_:]})".contains(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn symbols_of_three_languages() {
        for (symbol, name) in [
            ("memcpy", "memcpy"),
            ("do_work.part.0", "do_work"),
            (
                "_ZN2at6native10layer_normERKNS_6TensorEd",
                "at::native::layer_norm",
            ),
            ("_ZSt9terminatev", "std::terminate"),
            (
                "_ZN4core9panicking5panic17h0123456789abcdefE",
                "core::panicking::panic",
            ),
            (
                "_ZN4core9panicking5panic17h0123456789abcdefE.llvm.12",
                "core::panicking::panic",
            ),
            (
                "_ZN48_$LT$core..skip..Skip$LT$I$GT$$u20$as$u20$It$GT$\
                 4next17h37f3ef17cfa53cbfE.cold",
                "<core::skip::Skip<I> as It>::next",
            ),
        ] {
            assert_eq!(demangle(symbol), name);
        }
    }

    #[test]
    fn signatures_have_no_template_arguments() {
        for (name, expected) in [
            (
                "at::native::AVX2::RowwiseMomentsImpl<float, 4l>",
                "at::native::AVX2::RowwiseMomentsImpl",
            ),
            ("a<b<c>, d>::e", "a::e"),
            ("(anonymous namespace)::f<int>", "(anonymous namespace)::f"),
            ("a::operator<< <int>", "a::operator<< "),
            ("a::operator->", "a::operator->"),
            ("f<int>::operator() const", "f::operator() const"),
            (
                "<alloc::vec::Vec<T> as core::ops::Drop>::drop",
                "<alloc::vec::Vec as core::ops::Drop>::drop",
            ),
            ("foo::bar::<u8>", "foo::bar"),
            ("f<(a)->b>::g", "f::g"),
        ] {
            assert_eq!(plain(name), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_accepted(name in "[<>a:\\-(){}é ]{0,40}|operator[<>=\\-]{0,5}.{0,9}") {
            prop_assert!(plain(&name).len() <= name.len());
            let _ = demangle(&name);
            let _ = demangle(&format!("_Z{name}"));
        }
    }
}
