//! The declaration of a kind of text: a newtype that is parsed once.

/// Declares a kind of text by its name and its rule.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, |$text:ident| $parse:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Accepts the text, or names its fault.
            ///
            /// # Errors
            /// [`Invalid`](crate::Invalid), with a word and a sentence.
            pub fn parse($text: &str) -> Result<Self, crate::Invalid> {
                $parse.map(Self)
            }
            /// A stored text, accepted by the rules of its time.
            #[must_use]
            pub fn stored(text: impl Into<String>) -> Self {
                Self(text.into())
            }
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = crate::Invalid;
            fn try_from(text: String) -> Result<Self, crate::Invalid> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use text;
