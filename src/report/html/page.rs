//! The page: sections, paragraphs, tables and figures. Every text is escaped here or by the renderer of tables.

use super::Figure;
use super::facts::Fact;
use crate::report::markup::{escaped, with_names_isolated};
use crate::report::table::Table;

const STYLE: &str = include_str!("style.css");

/// A page being written.
pub(super) struct Page {
    title: String,
    contents: Vec<(&'static str, &'static str)>,
    body: String,
    /// How many figures there are so far.
    figures: usize,
}

/// What stands in a list.
pub(super) enum Item {
    /// A sentence.
    Said(String),
    /// A sentence that says what there is more of, which is folded.
    Folded { summary: String, items: Vec<String> },
}

impl Item {
    /// All of it in one.
    pub(super) fn flat(self) -> String {
        match self {
            Self::Said(words) => words,
            Self::Folded { summary, items } => format!("{summary} {}", items.join(", ")),
        }
    }
}

impl Page {
    pub(super) fn new(title: &str) -> Self {
        Self { title: title.to_owned(), contents: Vec::new(), body: String::new(), figures: 0 }
    }

    /// Begins a section; it ends where the next begins.
    pub(super) fn section(&mut self, id: &'static str, heading: &'static str) {
        if !self.contents.is_empty() {
            self.body.push_str("</section>\n");
        }
        self.contents.push((id, heading));
        let heading = escaped(heading);
        self.body.push_str(&format!(
            "<section id=\"{id}\" aria-labelledby=\"{id}-heading\">\n<h2 id=\"{id}-heading\">{heading}</h2>\n"
        ));
    }

    pub(super) fn heading(&mut self, words: &str) {
        self.body.push_str(&format!("<h3>{}</h3>\n", with_names_isolated(words)));
    }

    pub(super) fn paragraph(&mut self, words: &str) {
        self.body.push_str(&format!("<p>{}</p>\n", with_names_isolated(words)));
    }

    /// What is said first.
    pub(super) fn lead(&mut self, words: &str) {
        self.body.push_str(&format!("<p class=\"lead\">{}</p>\n", with_names_isolated(words)));
    }

    /// The strip of facts.
    pub(super) fn facts(&mut self, facts: &[Fact]) {
        if facts.is_empty() {
            return;
        }
        self.body.push_str("<dl class=\"facts\">\n");
        for (what, fact) in facts {
            let (what, fact) = (escaped(what), with_names_isolated(fact));
            self.body.push_str(&format!("<div><dt>{what}</dt><dd>{fact}</dd></div>\n"));
        }
        self.body.push_str("</dl>\n");
    }

    /// A part that is not there.
    pub(super) fn missing(&mut self, reason: &str) {
        let reason = with_names_isolated(reason);
        self.body.push_str(&format!("<p class=\"missing\">Not here: {reason}.</p>\n"));
    }

    pub(super) fn list(&mut self, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.body.push_str("<ul>\n");
        for item in items {
            self.body.push_str(&format!("<li>{}</li>\n", with_names_isolated(item)));
        }
        self.body.push_str("</ul>\n");
    }

    /// A list of which some items are folded.
    pub(super) fn items(&mut self, items: &[Item]) {
        self.body.push_str("<ul>\n");
        for item in items {
            self.body.push_str("<li>");
            match item {
                Item::Said(words) => self.body.push_str(&with_names_isolated(words)),
                Item::Folded { summary, items } => {
                    let summary = with_names_isolated(summary);
                    self.body.push_str(&format!("<details>\n<summary>{summary}</summary>\n"));
                    self.list(items);
                    self.body.push_str("</details>");
                }
            }
            self.body.push_str("</li>\n");
        }
        self.body.push_str("</ul>\n");
    }

    /// Sources, each with its link.
    pub(super) fn sources(&mut self, sources: &[(String, Option<String>)]) {
        self.body.push_str("<ul class=\"sources\">\n");
        for (words, link) in sources {
            let link = link.as_deref().map(|link| {
                let link = escaped(link);
                format!(" <a href=\"{link}\">{link}</a>")
            });
            let link = link.unwrap_or_default();
            self.body.push_str(&format!("<li>{}{link}</li>\n", escaped(words)));
        }
        self.body.push_str("</ul>\n");
    }

    /// Text as it is, line by line.
    pub(super) fn verbatim(&mut self, text: &str) {
        let lines: Vec<String> = text.lines().map(escaped).collect();
        self.body.push_str(&format!("<pre tabindex=\"0\">{}</pre>\n", lines.join("\n")));
    }

    /// Figures of which the first is open and the others are folded.
    pub(super) fn figures(&mut self, figures: &[Figure]) {
        for (at, figure) in figures.iter().enumerate() {
            if at == 0 {
                self.figure(figure);
                continue;
            }
            let title = with_names_isolated(&figure.title);
            self.body.push_str(&format!("<details class=\"more\">\n<summary>{title}</summary>\n"));
            self.figure(figure);
            self.body.push_str("</details>\n");
        }
    }

    /// A figure with its numbers below it. Title and description are in the picture: the caption gives its number.
    pub(super) fn figure(&mut self, figure: &Figure) {
        self.figures += 1;
        let (name, number) = (&figure.name, self.figures);
        self.body.push_str(&format!(
            "<figure id=\"figure-{name}\" aria-labelledby=\"caption-{name}\">\n<div class=\"wide\" \
             tabindex=\"0\" role=\"group\" aria-labelledby=\"caption-{name}\">\n{}</div>\n<figcaption \
             id=\"caption-{name}\">Figure {number}</figcaption>\n",
            figure.svg
        ));
        self.body.push_str("<details>\n<summary>The numbers</summary>\n");
        self.table(&figure.numbers);
        self.body.push_str("</details>\n</figure>\n");
    }

    pub(super) fn table(&mut self, table: &Table) {
        let caption = escaped(&table.caption);
        self.body.push_str(&format!(
            "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"{caption}\">\n{}</div>\n",
            table.to_html()
        ));
    }

    /// The page, with the ids of sections that say why they have nothing.
    pub(super) fn finish(self, missing: &[&str]) -> String {
        let (title, heading) = (escaped(&self.title), with_names_isolated(&self.title));
        let contents = self.contents.iter().map(|(id, heading)| {
            let not = if missing.contains(id) { " (not here)" } else { "" };
            format!("<li><a href=\"#{id}\">{}</a>{not}</li>\n", escaped(heading))
        });
        let contents: String = contents.collect();
        let end = if self.contents.is_empty() { "" } else { "</section>\n" };
        // Nothing may be fetched, whatever is in the page.
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
             'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n\
             <h1>{heading}</h1>\n<nav aria-label=\"Contents\">\n<ul>\n{contents}</ul>\n</nav>\n</header>\n\
             <main>\n{}{end}</main>\n<footer>\n<p>Made by tiltmeter {}.</p>\n</footer>\n</body>\n</html>\n",
            self.body,
            env!("CARGO_PKG_VERSION")
        )
    }
}
