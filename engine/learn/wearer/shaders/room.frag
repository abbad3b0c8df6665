uniform vec3 low, high;      // corners of the room
uniform vec3 floor_a, floor_b, wall_a, wall_b, skirting;
uniform ivec2 kinds;         // patterns of floor and wall
uniform vec4 look;           // repeats of floor and wall, gloss of the floor, seed
uniform vec4 stands[5];      // what darkens the floor: place, strength, inverse square of its radius
in vec2 place;               // in the picture, in radii of the end
out vec4 colour;

void main() {
  vec3 d = bearing(place);
  d += vec3(equal(d, vec3(0.0))) * 1e-6;
  vec3 t3 = (mix(low, high, step(0.0, d)) - eye) / d;
  float t = min(t3.x, min(t3.y, t3.z));
  vec3 p = eye + d * t, n, c;
  float open = 1.0, gloss = 0.0;
  bool level = t == t3.z, across = t == t3.x, below = level && d.z < 0.0;
  vec2 u = level ? p.xy : across ? p.yz : p.xz;
  float fine = texture(noise, vec3(u * 2.3, look.w)).r;
  c = patterned(below ? floor_a : wall_a, below ? floor_b : wall_b, below ? kinds.x : kinds.y, below ? look.x : look.y,
                u, fwidth(u), look.w + (below ? 0.0 : 0.31), fine);
  n = -sign(d) * (level ? vec3(0.0, 0.0, 1.0) : across ? vec3(1.0, 0.0, 0.0) : vec3(0.0, 1.0, 0.0));
  vec2 wall = min(p.xy - low.xy, high.xy - p.xy);
  float up = p.z - low.z, whole = 1.0, kept = 1.0;
  for (int i = 0; i < 5; i++) { vec2 s = p.xy - stands[i].xy; float k = min(1.0 + dot(s, s) * stands[i].w, 1e3); k *= k; whole *= k; kept *= k - stands[i].z; }
  float near = below ? 0.75 + 0.25 * smoothstep(0.0, 0.5, min(wall.x, wall.y)) : 0.7 + 0.3 * smoothstep(0.0, 0.8, up);
  open = level && !below ? 1.0 : near * (below ? kept / whole : 1.0);
  gloss = below ? look.z : 0.0;
  c = level ? (below ? c : vec3(0.75)) : up < 0.09 ? skirting : c;
  // Ambient light alone is dimmed by `open`; lay the contact shadow over the lamp's light too.
  colour = seen(shade(c * mix(1.0, open, 0.5), n, p, -d, gloss, open), 0.0) * step(dot(place, place), 1.0);
}
