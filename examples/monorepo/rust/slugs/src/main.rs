//! Makes of a title what an address can end in: POST /slug.

use std::process::ExitCode;

use service::Service;
use unicode_segmentation::UnicodeSegmentation;

fn main() -> ExitCode {
    Service {
        name: "slugs",
        // Set by build.stamp in the spec.
        version: option_env!("VERSION").unwrap_or("dev"),
        path: "/slug",
        answer: slug,
    }
    .main()
}

fn slug(title: &str) -> String {
    let words: Vec<_> = title
        .unicode_words()
        .map(|word| deunicode::deunicode(word).to_lowercase())
        .collect();
    words.join("-") + "\n"
}

#[cfg(test)]
mod tests {
    #[test]
    fn joins_words() {
        assert_eq!(super::slug("Überall, jederzeit!"), "uberall-jederzeit\n");
    }
}
