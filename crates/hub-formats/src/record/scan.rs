//! Questions about every byte of a text, answered in blocks that the compiler turns into vector instructions: most texts
//! need no repair, and finding that out is most of what a reader does with them.

/// Bytes looked at before an early answer is possible.
const BLOCK: usize = 32;

/// Whether any byte is `wanted`.
pub(crate) fn any(text: &[u8], wanted: impl Fn(u8) -> bool) -> bool {
    let in_block = |block: &[u8; BLOCK]| block.iter().fold(false, |found, byte| found | wanted(*byte));
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    blocks.iter().any(in_block) || filled(rest).is_some_and(|block| in_block(&block))
}

/// What the bytes have in them, by the marks that `of` gives each: several questions in one look.
pub(crate) fn marks(text: &[u8], of: impl Fn(u8) -> u8) -> u8 {
    let in_block = |block: &[u8; BLOCK]| block.iter().fold(0, |found, byte| found | of(*byte));
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    blocks.iter().fold(0, |found, block| found | in_block(block)) | filled(rest).map_or(0, |block| in_block(&block))
}

/// A block of a few bytes, filled with the first of them, which adds nothing that is not there.
fn filled(rest: &[u8]) -> Option<[u8; BLOCK]> {
    let mut block = [*rest.first()?; BLOCK];
    block.get_mut(..rest.len())?.copy_from_slice(rest);
    Some(block)
}

/// How many bytes are `wanted`.
pub(crate) fn count(text: &[u8], wanted: impl Fn(u8) -> bool) -> u64 {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let in_block = |block: &[u8; BLOCK]| u64::from(block.iter().map(|byte| u8::from(wanted(*byte))).sum::<u8>());
    blocks.iter().map(in_block).sum::<u64>() + rest.iter().filter(|byte| wanted(**byte)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_rest_are_seen() {
        for length in [0, 1, 31, 32, 33, 200] {
            for place in 0..length {
                let mut text = vec![b'a'; length];
                text[place] = b'x';
                assert!(any(&text, |byte| byte == b'x'));
                assert!(!any(&text, |byte| byte == b'y'));
                assert_eq!(count(&text, |byte| byte == b'x'), 1);
                let mark =
                    |byte| u8::from(byte == b'x') | (u8::from(byte == b'a') << 1) | (u8::from(byte == b'y') << 2);
                assert_eq!(marks(&text, mark), if length == 1 { 1 } else { 3 });
                assert_eq!(count(&text, |byte| byte == b'a'), length as u64 - 1);
            }
        }
    }
}
