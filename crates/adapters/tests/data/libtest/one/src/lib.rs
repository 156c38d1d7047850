//! Tests of every kind that libtest knows. PLANT=1 makes `then_planted::crash` die of SIGSEGV.

/// Adds.
///
/// ```
/// assert_eq!(one::add(1, 1), 2);
/// ```
pub fn add(a: u32, b: u32) -> u32 {
    a + b
}

#[cfg(test)]
mod tests {
    #[test]
    fn adds() {
        println!("test tests::wrong ... ok");
    }

    #[test]
    fn wrong() {
        assert_eq!(super::add(1, 1), 3, "sums are off");
    }

    #[test]
    fn prints_without_newline() {
        print!("abc");
    }

    #[test]
    #[ignore = "no such device"]
    fn ignored() {}

    #[test]
    #[ignore]
    fn ignored_without_reason() {}

    #[test]
    #[should_panic]
    fn panics() {
        panic!("as it should");
    }

    #[test]
    #[should_panic(expected = "something else")]
    fn panics_otherwise() {
        panic!("as it should not");
    }

    #[test]
    fn größe() {}
}

#[cfg(test)]
mod then_planted {
    #[test]
    fn crash() {
        if std::env::var_os("PLANT").is_some() {
            unsafe { std::ptr::null_mut::<u8>().write_volatile(1) };
        }
    }

    #[test]
    fn crash_no_more() {}
}
