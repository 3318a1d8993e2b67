//! Late binds on a kernel that has neither option: before Linux 4.2.

const std = @import("std");
const scenes = @import("scene.zig");
const sys = @import("../system.zig");
const Guest = scenes.Guest;
const Ipv4 = scenes.Ipv4;
const Moment = @import("../moment.zig").Moment;
const Scene = scenes.Scene;
const Socket = @import("../fake_system.zig").Socket;

const any_port = scenes.any_port;
const at = scenes.at;
const datagram = scenes.datagram;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;

const home = at(.{ 127, 0, 0, 9 }, 0);
const foreign = at(.{ 203, 0, 113, 7 }, 0);

test "before Linux 4.2: a bind waits with its address, and the next call that needs a port carries it out" {
    for ([_]Moment{ .connect, .listen, .settle }) |moment| {
        var sockets = [_]Socket{.{ .reuse_port = true }};
        var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
        try scene.beginWithoutLateBind();
        try expectEqual(0, scene.run(.binding(0, &home))[0]);
        try expectEqual(0, sockets[0].port);
        for (scene.kernel.own) |own| try expectEqual(null, own);
        try expect(sockets[0].reuse_port and !sockets[0].reuse_address);
        try expectEqual(null, scene.pin.shownName(0));
        if (moment == .settle) {
            try expect(scene.pin.settle(0));
        } else {
            const guest: Guest = if (moment == .listen) .listening(0) else .connecting(0);
            try expectEqual(0, scene.run(guest)[0]);
        }
        try expect(scene.pin.settings.own.ports.has(sockets[0].port));
        try expectEqual([_]u8{ 127, 0, 0, 9 }, sockets[0].address);
        try expectEqual(0, sockets[0].program().len);
    }
}

test "before Linux 4.2: the ports all taken, a bind waits all the same, and what settles it fails" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutLateBind();
    scene.kernel.taken = &.{ 50000, 50001, 50002, 50003 };
    try expectEqual(0, scene.run(.binding(0, &home))[0]);
    try expect(!scene.pin.settle(0));
    scene.kernel.taken = &.{};
    try expect(scene.pin.settle(0));
    try expectEqual([_]u8{ 127, 0, 0, 9 }, sockets[0].address);
}

test "before Linux 4.2: the kernel judges the address, and a socket that it refuses stays as it was" {
    for ([_]bool{ false, true }) |asks| {
        var sockets = [_]Socket{.{ .reuse_address = true }};
        var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
        try scene.beginWithoutLateBind();
        if (asks) try expectEqual(.SUCCESS, scene.pin.emulateSetLateBind(0, &@as(c_int, 1), 4));
        try expectEqual(-1, scene.run(.binding(0, &foreign))[0]);
        try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
        try expectEqual(0, sockets[0].program().len);
        try expect(sockets[0].reuse_address);
        try expectEqual(0, scene.run(.binding(0, &home))[0]);
        try expectEqual(0, sockets[0].port);
    }
}

test "before Linux 4.2: a guest that asks for a late bind sees its address without a port, and may bind again" {
    var sockets = [_]Socket{ .{}, datagram };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutLateBind();
    for (&sockets, 0..) |*socket, index| {
        const fd: i32 = @intCast(index);
        try expectEqual(0, scene.pin.emulateGetLateBind(fd));
        try expectEqual(.SUCCESS, scene.pin.emulateSetLateBind(fd, &@as(c_int, -1), 4));
        try expectEqual(1, scene.pin.emulateGetLateBind(fd));
        for ([_]*const Ipv4{ &any_port, &home }) |address| {
            try expectEqual(0, scene.run(.binding(fd, address))[0]);
            try expect(scene.pin.settle(fd));
            const shown = scene.pin.shownName(fd).?;
            try expectEqual(0, shown.port());
            try expectEqual(address.addr, std.mem.readInt(u32, shown.ipv4().?, .native));
        }
        // Cleared, the option changes nothing about what waits; a bind now gets a port at once.
        try expectEqual(.SUCCESS, scene.pin.emulateSetLateBind(fd, null, 0));
        try expect(scene.pin.settle(fd) and scene.pin.shownName(fd) != null);
        scene.pin.settings.defer_bind = false;
        try expectEqual(0, scene.run(.binding(fd, &home))[0]);
        try expect(scene.pin.settings.own.ports.has(socket.port));
        try expectEqual(0, socket.program().len);
        try expectEqual(null, scene.pin.shownName(fd));
    }
}

test "before Linux 4.2: a UDP socket that asked for nothing gets its port at once" {
    var sockets = [_]Socket{datagram};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutLateBind();
    try expectEqual(0, scene.run(.binding(0, &home))[0]);
    try expect(scene.pin.settings.own.ports.has(sockets[0].port));
}

test "before Linux 4.2: values of the option count as ip_setsockopt() counts them" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutLateBind();
    const set = @TypeOf(scene.pin).emulateSetLateBind;
    const second_byte: [4]u8 = .{ 0, 1, 0, 0 };
    for ([_]c_uint{ 1, 2, 3 }) |length| {
        try expectEqual(.SUCCESS, set(&scene.pin, 0, &second_byte, length));
        try expectEqual(0, scene.pin.emulateGetLateBind(0));
    }
    try expectEqual(.SUCCESS, set(&scene.pin, 0, &second_byte, 9));
    try expectEqual(1, scene.pin.emulateGetLateBind(0));
    try expectEqual(.INVAL, set(&scene.pin, 0, &second_byte, std.math.maxInt(c_uint)));
    try expectEqual(.FAULT, set(&scene.pin, 0, null, 1));
    scene.kernel.readable = false;
    try expectEqual(.FAULT, set(&scene.pin, 0, &second_byte, 4));
    try expectEqual(1, scene.pin.emulateGetLateBind(0));
    try expectEqual(.SUCCESS, set(&scene.pin, 0, &second_byte, 0));
    try expectEqual(0, scene.pin.emulateGetLateBind(0));
    // Other sockets, and the kernel engine: as ever.
    try expectEqual(null, set(&scene.pin, 7, &second_byte, 4));
    scene.kernel.readable = true;
    scene.pin.settings.engine = .kernel;
    try expectEqual(null, set(&scene.pin, 0, &second_byte, 4));
    try expectEqual(null, scene.pin.emulateGetLateBind(0));
}

test "before Linux 4.2: a filter of the guest's own stays, and the bind is carried out at once" {
    const own = [_]sys.Instruction{.{ .code = 6, .operand = 7 }} ** 12;
    for ([_]usize{ 1, 9, own.len }) |length| {
        var sockets = [_]Socket{.{}};
        var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
        try scene.beginWithoutLateBind();
        try expectEqual(.SUCCESS, scene.kernel.system().attachFilter(0, own[0..length]));
        try expectEqual(0, scene.run(.binding(0, &home))[0]);
        try expect(scene.pin.settings.own.ports.has(sockets[0].port));
        try std.testing.expectEqualDeep(own[0..length], sockets[0].program());
    }
    var sockets = [_]Socket{.{ .is_filter_locked = true }};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutLateBind();
    try expectEqual(0, scene.run(.binding(0, &home))[0]);
    try expect(scene.pin.settings.own.ports.has(sockets[0].port));
}

test "before Linux 4.2: a guest that uses the filter itself finds none of ours" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutLateBind();
    try expectEqual(0, scene.run(.binding(0, &home))[0]);
    try expect(scene.pin.vacate(0, sys.SOL.SOCKET, sys.SO.KEEPALIVE));
    try expectEqual(0, sockets[0].port);
    try expect(scene.pin.vacate(0, sys.SOL.SOCKET, sys.SO.ATTACH_FILTER));
    try expect(sockets[0].port != 0 and sockets[0].program().len == 0);
}

test "before Linux 4.2: a stranger brings what waits with it, and what has a port waits for nothing" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutLateBind();
    try expectEqual(0, scene.run(.binding(0, &home))[0]);
    // Another process, after exec.
    try scene.beginWithoutLateBind();
    scene.pin.adoptStranger(0);
    try expect(scene.pin.settle(0));
    try expectEqual([_]u8{ 127, 0, 0, 9 }, sockets[0].address);

    sockets[0] = .{ .range = null, .late_bind = null };
    try expectEqual(0, scene.run(.binding(0, &home))[0]);
    sockets[0].port = 1234;
    try expect(scene.pin.settle(0));
    try expectEqual(1234, sockets[0].port);
}
