//! What the numbers of a tensor are.

/// Names of ONNX's kinds of numbers, by their number in the format.
const NAMES: [&str; 17] = [
    "",
    "float32",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "int32",
    "int64",
    "text",
    "bool",
    "float16",
    "float64",
    "uint32",
    "uint64",
    "complex64",
    "complex128",
    "bfloat16",
];

/// A kind of numbers, as far as an encoder cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Element {
    /// The file does not say.
    #[default]
    Unsaid,
    /// What every front end gives and every learner takes.
    Float32,
    /// Half of that; conversion is usual.
    Float16,
    /// Anything else, by name.
    Other(&'static str),
}

impl Element {
    /// By its number in ONNX.
    pub(super) fn numbered(number: u64) -> Self {
        match number {
            0 => Self::Unsaid,
            1 => Self::Float32,
            10 => Self::Float16,
            _ => {
                let name = usize::try_from(number).ok().and_then(|n| NAMES.get(n));
                Self::Other(name.copied().unwrap_or("numbers of another kind"))
            }
        }
    }

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsaid => "numbers of no stated kind",
            Self::Float32 => "float32",
            Self::Float16 => "float16",
            Self::Other(name) => name,
        }
    }

    /// Whether nothing speaks against 32-bit floats.
    pub const fn may_be_float32(self) -> bool {
        matches!(self, Self::Unsaid | Self::Float32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_numbers_of_the_format() {
        for (number, name, fits) in [
            (0, "numbers of no stated kind", true),
            (1, "float32", true),
            (2, "uint8", false),
            (7, "int64", false),
            (10, "float16", false),
            (16, "bfloat16", false),
            (99, "numbers of another kind", false),
        ] {
            let element = Element::numbered(number);
            assert_eq!((element.name(), element.may_be_float32()), (name, fits), "{number}");
        }
    }
}
