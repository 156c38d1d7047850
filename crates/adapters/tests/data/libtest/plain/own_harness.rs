fn main() {
    println!("not a list");
}
