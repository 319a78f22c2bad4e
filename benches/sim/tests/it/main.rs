//! The camera server before real clients, and the library of scenes.

mod scenes;
mod sim;
