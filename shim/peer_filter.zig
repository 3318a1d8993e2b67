//! Which datagrams a UDP socket hears that shares its port: its peer's alone.
//!
//! Rule: a packet filter says it before the socket has the port, and stays. A datagram for which another processor has
//! looked the socket up before connect(2) is delivered at any time after, so there is no moment at which a filter
//! against strangers could go. It lets through what the kernel's own look-up would for the connected socket. So
//! whoever gives the socket another peer, or none, takes the filter away first; and a filter of the guest's own stays.

const std = @import("std");
const sys = @import("system.zig");

/// Lets only datagrams from `ends.destination` to the address of `ends.source` through. False where that cannot be:
/// the guest has a filter of its own, or a sandbox or too little memory forbids one.
pub fn admit(system: anytype, fd: i32, ends: *const sys.Ends) bool {
    var present: [Program.longest]sys.Instruction = undefined;
    // Null: longer than ours, or eBPF, which is not shown (EACCES).
    const length = system.filter(fd, &present) orelse return false;
    if (length > 0 and !isOurs(present[0..length])) return false;
    var program: Program = .{};
    if (ends.destination.ipv4()) |peer| {
        program.expectVersion(4);
        program.expectWords(network + 12, peer);
        program.expectWords(network + 16, ends.source.ipv4() orelse return false);
    } else {
        program.expectVersion(6);
        program.expectWords(network + 8, &ends.destination.bytes.addr);
        program.expectWords(network + 24, &ends.source.bytes.addr);
    }
    program.expect(.{ .code = load_half, .operand = 0 }, ends.destination.port());
    return system.attachFilter(fd, program.finish()) == .SUCCESS;
}

/// Lets everything through again.
pub fn remove(system: anytype, fd: i32) void {
    var present: [Program.longest]sys.Instruction = undefined;
    const length = system.filter(fd, &present) orelse return;
    if (isOurs(present[0..length])) _ = system.setOption(fd, sys.SOL.SOCKET, sys.SO.DETACH_FILTER, 0);
}

fn isOurs(program: []const sys.Instruction) bool {
    return program.len > 1 and program[program.len - 2].operand == pass.operand;
}

/// Classic BPF, linux/filter.h: what is loaded, from where, and what it must be. A datagram that is too short for a
/// load does not pass. A UDP socket's filter sees the datagram from its UDP header on.
const load_word = 0x20;
const load_half = 0x28;
const load_byte = 0x30;
const mask = 0x54;
const jump_if_equal = 0x15;
/// SKF_NET_OFF: loads from here on are from the IP header.
const network: u32 = 0xfff00000;

/// Ends: all of the datagram passes. Any number from 65,535 upwards says so; this one is nobody else's.
const pass: sys.Instruction = .{ .code = 0x06, .operand = 0x7070696e };
const drop: sys.Instruction = .{ .code = 0x06, .operand = 0 };

const Program = struct {
    instructions: [longest]sys.Instruction = undefined,
    length: usize = 0,

    /// The version; two addresses of four words; the port; the two ends.
    const longest = 3 + 2 * (4 + 4) + 2 + 2;

    fn expectVersion(program: *Program, version: u32) void {
        program.add(.{ .code = load_byte, .operand = network });
        program.expect(.{ .code = mask, .operand = 0xf0 }, version << 4);
    }

    fn expectWords(program: *Program, from: u32, bytes: []const u8) void {
        var at: u32 = 0;
        while (at < bytes.len) : (at += 4) {
            const word = std.mem.readInt(u32, bytes[at..][0..4], .big);
            program.expect(.{ .code = load_word, .operand = from + at }, word);
        }
    }

    fn expect(program: *Program, instruction: sys.Instruction, value: u32) void {
        program.add(instruction);
        program.add(.{ .code = jump_if_equal, .operand = value });
    }

    fn add(program: *Program, instruction: sys.Instruction) void {
        program.instructions[program.length] = instruction;
        program.length += 1;
    }

    /// A jump counts the instructions between it and where it goes: to the drop, which is the last.
    fn finish(program: *Program) []const sys.Instruction {
        program.add(pass);
        program.add(drop);
        for (program.instructions[0..program.length], 2..) |*instruction, place| {
            if (instruction.code == jump_if_equal) instruction.if_false = @intCast(program.length - place);
        }
        return program.instructions[0..program.length];
    }
};
