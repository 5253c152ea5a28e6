//! Hash tables with a small, fast hash that is the same in every run.
//!
//! The standard library's keeps attackers from choosing keys that collide; a plugin that is slowed down by them runs into
//! its time limit, and harms nobody.

use std::hash::{BuildHasherDefault, Hasher};

/// A map with the SDK's hash.
pub type HashMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Fnv>>;
/// A set with the SDK's hash.
pub type HashSet<T> = std::collections::HashSet<T, BuildHasherDefault<Fnv>>;

/// The hash FNV-1a (Fowler, Noll, Vo), 64 bits.
#[derive(Clone, Copy, Debug)]
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_definition() {
        for (text, hash) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            let mut hasher = Fnv::default();
            hasher.write(text.as_bytes());
            assert_eq!(hasher.finish(), hash, "{}", text);
        }
    }
}
