//! The schema of study files as a reader meets it: tables with keys, and options with words. It knows JSON Schema, and
//! of study files nothing.

use serde_json::Value as Json;

/// A place in the schema, seen through references and through what is nullable.
#[derive(Clone)]
pub(crate) struct Node<'s> {
    root: &'s Json,
    at: &'s Json,
    /// The nearest definition, and the word within it: what examples go by.
    name: String,
}

/// What stands at a place.
pub(crate) enum Kind<'s> {
    /// A table with keys that are known.
    Table(Vec<Key<'s>>),
    /// One of several words, some with what they hold.
    Options(Vec<Word<'s>>),
    /// A table with names of the author's own, and what each holds.
    ByName(Node<'s>),
    /// A list of any length.
    List(Node<'s>),
    /// A list of so many.
    Fixed(Vec<Node<'s>>),
    /// Text or a number.
    Plain,
}

/// A key of a table.
pub(crate) struct Key<'s> {
    pub(crate) name: &'s str,
    pub(crate) about: &'s str,
    pub(crate) is_required: bool,
    pub(crate) default: Option<&'s Json>,
    pub(crate) holds: Node<'s>,
}

/// A word of an option.
pub(crate) struct Word<'s> {
    pub(crate) name: &'s str,
    pub(crate) about: &'s str,
    pub(crate) holds: Option<Node<'s>>,
}

fn text<'s>(of: &'s Json, key: &str) -> &'s str {
    of[key].as_str().unwrap_or_default()
}

fn items<'s>(of: &'s Json, key: &str) -> impl Iterator<Item = &'s Json> {
    of[key].as_array().into_iter().flatten()
}

impl<'s> Node<'s> {
    pub(crate) fn of_root(root: &'s Json) -> Self {
        Self { root, at: root, name: "StudyFile".to_owned() }
    }

    fn to(&self, at: &'s Json, name: String) -> Self {
        let mut node = Self { root: self.root, at, name };
        loop {
            let other_than_null = |its: &&Json| its["type"] != "null";
            node.at = if let Some(path) = node.at["$ref"].as_str() {
                node.name = path.rsplit('/').next().unwrap_or(path).to_owned();
                &node.root["definitions"][&node.name]
            } else if let Some(all) = items(node.at, "allOf").next() {
                all
            } else if let Some(any) = items(node.at, "anyOf").find(other_than_null) {
                any
            } else {
                return node;
            };
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// By what an example of a key or word of it goes.
    pub(crate) fn id(&self, of: &str) -> String {
        format!("{}.{of}", self.name)
    }

    pub(crate) fn about(&self) -> &'s str {
        text(self.at, "description")
    }

    /// The type of a plain value; where null may stand in its place, without that.
    pub(crate) fn plain_type(&self) -> &'s str {
        let of = &self.at["type"];
        of.as_str().or_else(|| of[0].as_str()).unwrap_or_default()
    }

    pub(crate) fn is_one_character(&self) -> bool {
        self.at["maxLength"] == 1
    }

    pub(crate) fn kind(&self) -> Kind<'s> {
        let Self { at, .. } = self;
        if let Some(forms) = at["oneOf"].as_array() {
            return Kind::Options(forms.iter().flat_map(|form| self.words(form)).collect());
        }
        if at["enum"].is_array() {
            return Kind::Options(self.words(at).collect());
        }
        match &at["items"] {
            Json::Array(several) => {
                Kind::Fixed(several.iter().map(|its| self.to(its, self.name.clone())).collect())
            }
            Json::Null if at["properties"].is_object() => Kind::Table(self.keys()),
            Json::Null if at["additionalProperties"].is_object() => {
                Kind::ByName(self.to(&at["additionalProperties"], self.name.clone()))
            }
            Json::Null => Kind::Plain,
            each => {
                let each = self.to(each, self.name.clone());
                match at["maxItems"].as_u64() {
                    Some(length) => Kind::Fixed((0..length).map(|_| each.clone()).collect()),
                    None => Kind::List(each),
                }
            }
        }
    }

    fn keys(&self) -> Vec<Key<'s>> {
        let required: Vec<&Json> = items(self.at, "required").collect();
        let keys = self.at["properties"].as_object().into_iter().flatten();
        let key = |(name, at): (&'s String, &'s Json)| Key {
            name,
            about: text(at, "description"),
            is_required: required.iter().any(|its| **its == name.as_str()),
            default: at.get("default"),
            holds: self.to(at, self.id(name)),
        };
        keys.map(key).collect()
    }

    fn words(&self, form: &'s Json) -> impl Iterator<Item = Word<'s>> {
        let about = text(form, "description");
        let alone = items(form, "enum").chain(form.get("const")).filter_map(Json::as_str);
        let alone = alone.map(move |name| Word { name, about, holds: None });
        let with = form["properties"].as_object().into_iter().flatten();
        let with = with.map(move |(name, at)| Word {
            name,
            about,
            holds: Some(self.to(at, self.id(name))),
        });
        alone.chain(with).collect::<Vec<_>>().into_iter()
    }
}
