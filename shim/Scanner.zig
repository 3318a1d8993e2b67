//! Reads the few notations that the shim must read: decimal numbers and single characters.

const std = @import("std");
const Scanner = @This();

text: []const u8,
at: usize = 0,

/// Digits without a leading zero, up to nine of them.
pub fn number(scanner: *Scanner) ?u32 {
    const begin = scanner.at;
    var sum: u32 = 0;
    while (scanner.at < scanner.text.len) : (scanner.at += 1) {
        const digit = scanner.text[scanner.at] -% '0';
        if (digit > 9) break;
        sum = sum *% 10 +% digit;
    }
    const length = scanner.at - begin;
    if (length == 0 or length > 9 or (length > 1 and scanner.text[begin] == '0')) return null;
    return sum;
}

/// Passes `character` if it comes next.
pub fn take(scanner: *Scanner, character: u8) bool {
    if (scanner.at == scanner.text.len or scanner.text[scanner.at] != character) return false;
    scanner.at += 1;
    return true;
}

pub fn isAtEnd(scanner: *const Scanner) bool {
    return scanner.at == scanner.text.len;
}

test "number() refuses what is no plain decimal number" {
    for ([_][]const u8{ "", "-1", "+1", " 1", "01", "00", "1234567890" }) |text| {
        var scanner: Scanner = .{ .text = text };
        try std.testing.expectEqual(null, scanner.number());
    }
    var scanner: Scanner = .{ .text = "0,65535" };
    try std.testing.expectEqual(0, scanner.number().?);
    try std.testing.expect(scanner.take(','));
    try std.testing.expect(!scanner.take(','));
    try std.testing.expectEqual(65535, scanner.number().?);
    try std.testing.expect(scanner.isAtEnd());
}
