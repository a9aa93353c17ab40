//! Runs before the crate is compiled, on the machine that compiles it: in a
//! cross build that is not the machine the program is for.

use std::{env, fs, path::Path};

const GREETINGS: &str = "greetings.txt";

fn main() {
    // Without these, Cargo reruns the script after a change to any file.
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={GREETINGS}");

    let text = fs::read_to_string(GREETINGS).expect(GREETINGS);
    let pairs: Vec<_> = text
        .lines()
        .map(|line| line.split_once(' ').expect("a language and a word"))
        .collect();
    // The first one is the fallback, so the program relies on there being one.
    assert!(!pairs.is_empty(), "{GREETINGS} is empty");
    let code = format!(
        "pub const GREETINGS: [(&str, &str); {}] = {pairs:?};\n",
        pairs.len()
    );
    let out = env::var_os("OUT_DIR").expect("OUT_DIR");
    fs::write(Path::new(&out).join("greetings.rs"), code).expect("greetings.rs");

    // Cargo tells only build scripts which target they build for.
    let target = env::var("TARGET").expect("TARGET");
    println!("cargo::rustc-env=BUILD_TARGET={target}");
}
