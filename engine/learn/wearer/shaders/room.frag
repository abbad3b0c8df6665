uniform sampler2D unlens;    // angle over radius, up to the end radius
uniform vec2 end;            // end radius in pixels, width of its edge in pixels
uniform vec3 low, high;      // corners of the room
uniform vec3 floor_a, floor_b, wall_a, wall_b, skirting;
uniform ivec2 kinds;         // patterns of floor and wall
uniform vec4 look;           // repeats of floor and wall, gloss of the floor, seed
uniform vec4 stands[5];      // what darkens the floor: place, strength, inverse square of its radius
in vec2 clip;
out vec4 colour;

void main() {
  vec2 q = vec2(clip.x - lens_centre.x, lens_centre.y - clip.y) / lens_scale.yz;
  float r = length(q);
  if (r > end.x) { colour = vec4(0.0); return; }
  float theta = texture(unlens, vec2(r / end.x, 0.5)).r;
  vec3 d = transpose(mat3(camera)) * vec3(q / max(r, 1e-6) * sin(theta), cos(theta));
  d += vec3(equal(d, vec3(0.0))) * 1e-6;
  vec3 t3 = (mix(low, high, step(0.0, d)) - eye) / d;
  float t = min(t3.x, min(t3.y, t3.z));
  vec3 p = eye + d * t, n, c;
  float open = 1.0, gloss = 0.0;
  bool level = t == t3.z, across = t == t3.x, below = level && d.z < 0.0;
  vec2 u = level ? p.xy : across ? p.yz : p.xz;
  float fine = texture(noise, vec3(u * 2.3, look.w)).r;
  c = patterned(below ? floor_a : wall_a, below ? floor_b : wall_b, below ? kinds.x : kinds.y, below ? look.x : look.y,
                u, look.w + (below ? 0.0 : 0.31), fine);
  if (below) {
    n = vec3(0.0, 0.0, 1.0);
    gloss = look.z;
    vec2 wall = min(p.xy - low.xy, high.xy - p.xy);
    open *= 0.75 + 0.25 * smoothstep(0.0, 0.5, min(wall.x, wall.y));
    for (int i = 0; i < 5; i++) { vec2 s = p.xy - stands[i].xy; float k = 1.0 + dot(s, s) * stands[i].w; open *= 1.0 - stands[i].z / (k * k); }
  } else if (level) {
    n = vec3(0.0, 0.0, -1.0); c = vec3(0.75);
  } else {
    n = across ? vec3(-sign(d.x), 0.0, 0.0) : vec3(0.0, -sign(d.y), 0.0);
    c = p.z - low.z < 0.09 ? skirting : c;
    open = 0.7 + 0.3 * smoothstep(0.0, 0.8, p.z - low.z);
  }
  // Ambient light alone is dimmed by `open`; lay the contact shadow over the lamp's light too.
  colour = seen(shade(c * mix(1.0, open, 0.5), n, p, gloss, open), 0.0);
}
