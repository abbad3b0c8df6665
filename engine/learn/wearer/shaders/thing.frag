uniform float floor_z;
in vec3 world, world_normal, metric, metric_normal;
flat in vec4 first_colour, second_colour;
flat in vec2 pattern;
out vec4 colour;

void main() {
  vec3 a = abs(metric_normal);
  vec2 u = a.z > 0.6 ? metric.xy : a.x > 0.6 ? metric.yz : metric.xz;
  vec3 c = patterned(first_colour.rgb, second_colour.rgb, int(pattern.x + 0.5), second_colour.a, u, fwidth(u), pattern.y, texture(noise, vec3(u * 2.3, pattern.y)).r);
  vec3 n = normalize(world_normal);
  float open = 0.55 + 0.45 * smoothstep(0.0, 0.5, world.z - floor_z + max(n.z, 0.0));
  colour = seen(shade(c, n, world, normalize(eye - world), 0.02, open) + first_colour.rgb * first_colour.a, 1.0);
}
