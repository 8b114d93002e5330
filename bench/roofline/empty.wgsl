// Nothing, in workgroups of any size on any grid.
override size: u32;
override x: u32;
override y: u32;
override z: u32;

@group(0) @binding(0) var<storage, read_write> unused: array<f32>;

@compute @workgroup_size(size)
fn main() {
}
