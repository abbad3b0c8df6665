uniform vec3 skin, hair, shirt, shirt2, trousers, trousers2, shoe, sole;
uniform vec4 cut, level;
uniform ivec2 patterns;      // of shirt and trousers
uniform vec4 finish;         // repeats of shirt and trousers, creases, seed
uniform vec2 marks;          // beard, watch (-1 none, 0 right, 1 left)
uniform sampler2D surface0, surface1, surface2;  // what body.frag says of each pixel
in vec2 place;               // in the picture, in radii of the end
out vec4 colour;

void main() {
  ivec2 pixel = ivec2(gl_FragCoord.xy);
  vec4 s0 = texelFetch(surface0, pixel, 0), s1 = texelFetch(surface1, pixel, 0);
  vec3 rest = s0.xyz, limb = s1.xyz, world_normal = texelFetch(surface2, pixel, 0).xyz;
  vec3 v = -bearing(place), world = eye - v * s1.w;
  vec3 n = normalize(world_normal);
  // What is beside a pixel can be another limb, or nothing: what is across it is told by its distance.
  float wide = lens_scale.w * s1.w;
  bool arm = limb.x > -0.5, leg = limb.y > -0.5, head = limb.z > -0.5;
  float front = step(rest.y, -0.02);
  vec4 rough = texture(noise, rest * vec3(3.1, 3.1, 2.2) + finish.w);
  float fine = texture(noise, rest * 19.0 + finish.w).r;
  bool in_neckline = !arm && front > 0.5 && rest.z > level.x - cut.w + 1.1 * abs(rest.x);
  bool is_shirt = (arm ? limb.x < cut.x : head ? limb.z < cut.z : !leg && rest.z > level.y) && !in_neckline;
  bool is_trousers = !is_shirt && (leg ? limb.y < cut.y : (!arm && !head && rest.z < level.x - 0.25));
  bool is_shoe = leg && limb.y > 0.5 && rest.z < level.z;
  vec3 c = skin * (0.9 + 0.2 * fine);
  float gloss = 0.05, crease = 0.0;
  if (is_shoe) {
    c = (rest.z < 0.022 ? sole : shoe) * (0.9 + 0.2 * fine); gloss = 0.06;
  } else if (is_shirt || is_trousers) {
    vec2 u = arm ? vec2(rest.y, limb.x * 0.55) : leg ? vec2(atan(rest.y, abs(rest.x) - 0.14) * 0.08, limb.y * 0.85) : rest.xz;
    c = patterned(is_shirt ? shirt : trousers, is_shirt ? shirt2 : trousers2, is_shirt ? patterns.x : patterns.y,
                  is_shirt ? finish.x : finish.y, is_shirt ? u.yx : u, vec2(wide), finish.w, fine);
    c *= 0.9 + 0.2 * fine;
    crease = finish.z; gloss = 0.0;
    if (!leg && !arm && abs(rest.z - level.y) < 0.012) c *= 0.8;
  } else if (head && limb.z > 0.35 && (limb.z > level.w || (rest.y > -0.06 && limb.z > 0.45))) {
    c = hair * (0.5 + fine); gloss = 0.04;
  } else if (head) {
    if (limb.z > 0.3 && limb.z < 0.52 && rest.y < -0.06) c = mix(c, hair * 0.6 + c * 0.2, marks.x * smoothstep(0.35, 0.6, fine + 0.2));
  } else if (arm && marks.y > -0.5 && abs(limb.x - 0.95) < 0.03 && (marks.y > 0.5) == (rest.x > 0.0)) {
    c = vec3(0.02); gloss = 0.2;
  }
  if (crease > 0.0) {
    // Creases tilt the normal along the noise's slope; the slope lies in the rest frame, which is near enough.
    vec3 g = (rough.gba - 0.5) * vec3(1.0, 1.0, 0.7);
    n = normalize(n + crease * (g - dot(g, n) * n));
  }
  float away = dot(n, v);
  if (away < 0.0) n = normalize(n - 1.05 * away * v);
  // Less light comes into the hollows between arms, legs and trunk.
  float open = 0.78 + 0.22 * smoothstep(-0.2, 0.6, n.z);
  if (arm && limb.x < 0.12) open *= 0.85;
  if (head && limb.z < 0.3) open *= 0.8;
  colour = seen(shade(c, n, world, v, gloss, open), s0.w);
}
