//! A section of which each key is written once: its field, its name in the file, what it must be
//! and what is built in, in one line.
//!
//! ```text
//! section! {
//!     /// What the section is.
//!     #[derive(Clone, Debug)]
//!     pub struct WatchConfig {
//!         /// Asleep, the detector looks at least this often.
//!         heartbeat: Duration = Duration::from_secs(10), seconds("heartbeat_seconds", 0.5..=3_600.0);
//!     }
//! }
//! ```
//!
//! A line is `field: Type = built in, reader("key", …);` where `reader` is a method of [`Table`],
//! after which methods of [`Set`] may follow (`.some`, `.owned`). A field that no key of the section
//! sets ends after what is built in. Fields in round brackets after the name of the struct have
//! nothing built in: they are what its `new` takes, and without any there is a `Default`.

use super::reader::Table;

/// Settings that the keys of a table change, one by one.
pub(crate) trait Section: Sized {
    /// Reads the keys; what is not written, or wrong, which is reported, stays as it is.
    fn take(&mut self, table: &Table<'_>);
}

impl<'f> Table<'f> {
    /// The section below this table, or what is built in where it is not written. Where its values
    /// stood is known to this table from then on, as if they were its own.
    pub(crate) fn section<S: Section>(&self, key: &'static str, built_in: S) -> S {
        let mut settings = built_in;
        let subject = if self.subject.is_empty() {
            format!("[{key}]")
        } else {
            key.to_owned()
        };
        if let Some(table) = self.table(key, &subject) {
            settings.take(&table);
            table.finish();
            self.note_all(&table);
        }
        settings
    }
}

macro_rules! section {
    (@new $name:ident () $built_in:tt) => {
        impl Default for $name {
            fn default() -> Self {
                Self $built_in
            }
        }
    };
    (@new $name:ident ($($given:ident: $type:ty),+) $built_in:tt) => {
        impl $name {
            /// The built-in settings.
            #[must_use]
            pub fn new($($given: $type),+) -> Self {
                Self $built_in
            }
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(($($(#[$given_meta:meta])* $given:ident: $given_type:ty),+ $(,)?))? {
            $(
                $(#[$field_meta:meta])*
                $field:ident: $type:ty = $built_in:expr
                $(, $reader:ident($key:literal $(, $argument:expr)* $(,)?) $(.$then:ident)*)?;
            )+
        }
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $($($(#[$given_meta])* pub $given: $given_type,)+)?
            $($(#[$field_meta])* pub $field: $type,)+
        }

        section!(@new $name ($($($given: $given_type),+)?) { $($($given,)+)? $($field: $built_in,)+ });

        impl $crate::config::section::Section for $name {
            fn take(&mut self, table: &$crate::config::reader::Table<'_>) {
                $($(
                    if let Some(set) = table.$reader($key $(, $argument)*) {
                        table.note($key, set.at);
                        self.$field = set$(.$then())*.value;
                    }
                )?)+
            }
        }
    };
}
pub(crate) use section;
