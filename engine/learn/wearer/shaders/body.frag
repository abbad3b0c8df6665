// What of the body a pixel shows. Its triangles are tiny, and a software driver computes sixteen pixels for each:
// so the looks are left to clothes.frag, once for every pixel.
flat in float shown;
in vec3 rest, world, world_normal, limb;
layout(location = 0) out vec4 surface0;
layout(location = 1) out vec4 surface1;
layout(location = 2) out vec4 surface2;

void main() {
  surface0 = vec4(rest, shown);
  surface1 = vec4(limb, distance(world, eye));
  surface2 = vec4(world_normal, 0.0);
}
