//! The encoders inside the binary.

/// A manifest and its network, in the binary.
#[derive(Debug, Clone, Copy)]
pub struct Bundled {
    /// As in `--encoder NAME`.
    pub name: &'static str,
    /// The text of its manifest.
    pub manifest: &'static str,
    /// Its network.
    pub onnx: &'static [u8],
}

/// The encoder of a microphone that says nothing else.
pub const DEFAULT_SOUND: &str = "logmel-patches";

/// The encoder of a camera that says nothing else.
pub const DEFAULT_PICTURE: &str = "picture";

static ALL: [Bundled; 6] = [
    Bundled {
        name: DEFAULT_SOUND,
        manifest: include_str!("../../models/logmel-patches.toml"),
        onnx: include_bytes!("../../models/logmel-patches.onnx"),
    },
    Bundled {
        name: "sound",
        manifest: include_str!("../../models/sound.toml"),
        onnx: include_bytes!("../../models/sound.onnx"),
    },
    Bundled {
        name: "sound-small",
        manifest: include_str!("../../models/sound-small.toml"),
        onnx: include_bytes!("../../models/sound-small.onnx"),
    },
    Bundled {
        name: "picture-patches",
        manifest: include_str!("../../models/picture-patches.toml"),
        onnx: include_bytes!("../../models/picture-patches.onnx"),
    },
    Bundled {
        name: DEFAULT_PICTURE,
        manifest: include_str!("../../models/picture.toml"),
        onnx: include_bytes!("../../models/picture.onnx"),
    },
    Bundled {
        name: "picture-small",
        manifest: include_str!("../../models/picture-small.toml"),
        onnx: include_bytes!("../../models/picture-small.onnx"),
    },
];

/// All of them, in the order in which they are listed.
pub fn all() -> &'static [Bundled] {
    &ALL
}

/// The one called `name`.
pub fn find(name: &str) -> Option<&'static Bundled> {
    ALL.iter().find(|bundled| bundled.name == name)
}
