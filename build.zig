//! Builds the shim from a policy.zon, and the programs that cases launch.
//!
//!     zig build -Dpolicy=policy.zon    lib/libportpin.so under the prefix
//!     zig build test                   the shim's unit tests
//!     zig build programs               what no distribution ships (fixtures/programs)

const std = @import("std");

pub fn build(b: *std.Build) void {
    // Never this machine's own CPU: the library runs wherever it is copied to.
    const target = b.standardTargetOptions(.{ .default_target = .{ .cpu_model = .baseline } });
    const policy = b.option(std.Build.LazyPath, "policy", "The policy.zon to build the library from");
    const policy_module = b.createModule(.{ .root_source_file = policy orelse b.path("shim/general.zon") });

    const library = b.addLibrary(.{
        .name = "portpin",
        .linkage = .dynamic,
        .root_module = shim(b, policy_module, target, .ReleaseSmall),
    });
    // Nothing but hooks is seen from outside, and all is bound at load: no lazy binding in a signal handler.
    library.link_z_lazy = false;
    library.link_z_relro = true;
    library.lto = .full;
    // Nothing refers to it but the loader, which LTO does not know of.
    library.forceUndefinedSymbol("portpin_on_load");
    b.installArtifact(library);

    const tests = b.addTest(.{ .root_module = shim(b, policy_module, b.graph.host, .Debug) });
    // What the generator's rules are held to as well.
    tests.root_module.addAnonymousImport("rules_table", .{ .root_source_file = b.path("fixtures/rules.zon") });
    b.step("test", "Run the shim's unit tests").dependOn(&b.addRunArtifact(tests).step);

    @import("fixtures/programs/build_programs.zig").addStep(b);
}

fn shim(
    b: *std.Build,
    policy_module: *std.Build.Module,
    target: std.Build.ResolvedTarget,
    optimize: std.builtin.OptimizeMode,
) *std.Build.Module {
    const is_test = optimize == .Debug;
    return b.createModule(.{
        .root_source_file = b.path("shim/root.zig"),
        .target = target,
        .optimize = optimize,
        .imports = &.{.{ .name = "policy", .module = policy_module }},
        .link_libc = false,
        .pic = true,
        // The guest has threads even if we start none: single-threaded code would lower our atomics to plain stores.
        .single_threaded = false,
        .strip = !is_test,
        .stack_check = is_test,
        .stack_protector = false,
        // pthread_cancel(3) unwinds through our frames.
        .unwind_tables = .async,
    });
}
