//! Counts the words of a text: POST /words.

use std::process::ExitCode;

use serde_json::json;
use service::Service;
use unicode_segmentation::UnicodeSegmentation;

fn main() -> ExitCode {
    Service {
        name: "words",
        // Set by build.stamp in the spec.
        version: option_env!("VERSION").unwrap_or("dev"),
        path: "/words",
        answer: count,
    }
    .main()
}

fn count(text: &str) -> String {
    let words = text.unicode_words().count();
    let characters = text.graphemes(true).count();
    format!("{}\n", json!({"words": words, "characters": characters}))
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts() {
        let want = "{\"characters\":10,\"words\":2}\n";
        assert_eq!(super::count("caf\u{65}\u{301}, deux"), want);
    }
}
