//! Files of arrays: npy, npz and JSON, and changes of them.

use crate::{bytes::raw, dice::Dice, text};
use std::io::{Cursor, Read, Write};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Another file, of the format that the first bytes are those of.
pub fn change(bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    match bytes.first() {
        _ if dice.below(6) == 0 => raw(bytes),
        Some(b'P') => change_npz(bytes, dice),
        Some(0x93) => npy(&bytes, dice),
        _ => text::change(bytes, dice),
    }
}

/// An array with a header of another type, order or shape, and as many bytes as that says, mostly.
pub fn npy(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    #[rustfmt::skip]
    let types = [
        ("<f4", 4), ("=f4", 4), ("<f8", 8), ("<i8", 8), ("<i4", 4), ("<i2", 2), ("|i1", 1), ("<u8", 8), ("<u4", 4),
        ("<u2", 2), ("|u1", 1), ("|b1", 1), (">f4", 4), ("<f2", 2), ("|O", 8),
    ];
    let (descr, size) = dice.of(types);
    let rank = dice.of([0, 1, 2, 2, 3, 4, 64, 65]);
    let dim = |dice: &mut Dice| if rank > 4 { 1 } else { dice.of([0, 1, 2, 3, 3, 5]) };
    let mut dims: Vec<u64> = (0..rank).map(|_| dim(dice)).collect();
    if let (Some(dim), 0) = (dice.pick(&mut dims), dice.below(12)) {
        *dim = dice.number(0) as u64;
    }
    let order = dice.of(["False", "True"]);
    let shape: String = dims.iter().map(|dim| format!("{dim}, ")).collect();
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}\n")
            .into_bytes();
    if dice.below(6) == 0 {
        header = text::change(header, dice);
    }
    let mut file = b"\x93NUMPY".to_vec();
    if dice.below(2) == 0 {
        file.extend([1, 0]);
        file.extend((header.len() as u16).to_le_bytes());
    } else {
        file.extend([2, 0]);
        file.extend((header.len() as u32).to_le_bytes());
    }
    file.extend(header);
    let count = dims.iter().try_fold(size, |n: u64, dim| n.checked_mul(*dim));
    let count = count.unwrap_or(0).min(1 << 12) as usize;
    let from = bytes.iter().rev().copied().chain(std::iter::repeat(0x7f));
    file.extend(from.take(count));
    if dice.below(8) == 0 {
        file.pop();
    }
    file
}

/// An archive of the same members, one of them changed, renamed or repeated.
fn change_npz(bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(&bytes)) else { return raw(bytes) };
    let mut members = Vec::new();
    for index in 0..archive.len().min(16) {
        let Ok(member) = archive.by_index(index) else { continue };
        let Ok(name) = member.name().map(|name| name.into_owned()) else { continue };
        let mut content = Vec::new();
        if member.take(1 << 14).read_to_end(&mut content).is_ok() {
            members.push((name, content));
        }
    }
    let at = dice.below(members.len());
    match (members.get_mut(at), dice.below(6)) {
        (Some((name, _)), 0) => {
            let changed = raw(name.clone().into_bytes());
            *name = String::from_utf8_lossy(&changed).into_owned();
        }
        (Some((name, _)), 1) => {
            *name = dice
                .of([".npy", "../x.npy", "a/b.npy", "/x.npy", "a\\b.npy", "x", "\u{e4}.npy"])
                .into();
        }
        (Some(_), 2) => drop(members.remove(at)),
        (Some((_, content)), _) => *content = npy(content, dice),
        (None, _) => members.push(("x.npy".into(), npy(&[], dice))),
    }
    if dice.below(6) == 0 {
        members.push((format!("x{}.npy", dice.below(9)), npy(&[1, 2, 3], dice)));
    }
    let method = dice.of([CompressionMethod::Stored, CompressionMethod::Deflated]);
    let options = SimpleFileOptions::default().compression_method(method);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        // Names that an archive cannot hold are left out.
        if writer.start_file(name, options).is_err() || writer.write_all(&content).is_err() {
            return raw(bytes);
        }
    }
    writer.finish().map_or(bytes, Cursor::into_inner)
}
