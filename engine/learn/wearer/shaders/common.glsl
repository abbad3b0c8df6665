#version 330
// Shared by all stages: the lens, the noise, the light. World metres, z up; linear colours.

layout(std140) uniform Common {
  mat4 camera;               // world to camera
  mat4 lamp_view;            // world to the shadow's texture
  vec3 eye;                  // the camera in the world
  vec3 lamp_direction, lamp, sky, ground;
  vec2 lamp_shadow;          // darkness, softness in widths of the shadow's texture
  vec4 lens_scale;           // end angle; the end's radius in clip space in x and y; radians across a pixel
  vec2 lens_centre;          // in clip space, y down
  float soft;                // pixels that a pixel of the finest canvas is
};
uniform sampler2D lens;      // radius over angle, up to twice the end angle; 1 at the end
uniform sampler2D unlens;    // sine and cosine of the angle over the radius, up to the end
uniform sampler3D noise;     // repeating: height, and its gradient in 0..1
uniform sampler2DShadow shadow_map;

const float FAR = 20.0;

// A point in the camera's frame to clip space; depth is linear in distance.
vec4 through_lens(vec3 p, out float theta) {
  float n = length(p.xy), d = length(p);
  theta = atan(n, p.z);
  float r = textureLod(lens, vec2(theta / (2.0 * lens_scale.x), 0.5), 0.0).r;
  vec2 q = p.xy / max(n, 1e-9) * r * lens_scale.yz;
  return vec4(lens_centre + q, d / FAR * 2.0 - 1.0, 1.0);
}

// The bearing of a place in the picture, in radii of the end from the centre; in the world.
vec3 bearing(vec2 place) {
  float r = length(place);
  vec2 angle = texture(unlens, vec2(r, 0.5)).rg;
  return vec3(place / max(r, 1e-6) * angle.x, angle.y) * mat3(camera);
}

float lit(vec3 p, vec3 n) {
  vec3 s = (lamp_view * vec4(p + n * 0.025, 1.0)).xyz;
  float l = 0.0, k = lamp_shadow.y;
  l += texture(shadow_map, s + vec3(k * 0.7, k * 0.3, 0.0));
  l += texture(shadow_map, s + vec3(-k * 0.7, -k * 0.3, 0.0));
  return mix(1.0, l * 0.5, lamp_shadow.x);
}

// What the eye sees of a matt surface with a little gloss at p, where n is up and v is toward the eye.
vec3 shade(vec3 colour, vec3 n, vec3 p, vec3 v, float gloss, float open) {
  float facing = max(dot(n, lamp_direction), 0.0);
  float s = facing > 0.0 ? lit(p, n) : 0.0;
  vec3 around = mix(ground, sky, 0.5 + 0.5 * n.z) * open;
  // A little light comes from the side of the camera, as in any room with bright walls.
  around += 0.15 * sky * max(dot(n, v), 0.0);
  float glint = max(dot(n, normalize(lamp_direction + v)), 0.0);
  glint *= glint; glint *= glint; glint *= glint; glint *= glint * gloss;  // to the 16th power
  return colour * (around + lamp * facing * s) + lamp * glint * s;
}

// The picture in rgb, its curve being the square root, and in alpha the number of what is seen.
vec4 seen(vec3 light, float region) { return vec4(sqrt(light), region / 255.0); }

float hash(vec2 p) { p = fract(p * vec2(0.1031, 0.1137)); p += dot(p, p.yx + 33.33); return fract((p.x + p.y) * p.x * 17.0); }
// A line at whole numbers. It fades across a pixel, and is as thick on average as on the finest canvas.
float edge(float x, float w, float pixel) {
  float start = w - 0.5 * (1.0 - soft) * pixel;
  return 1.0 - smoothstep(start, start + max(pixel, 1e-5), min(fract(x), 1.0 - fract(x)));
}

// A pattern on a surface: place u in metres, metres across a pixel, repeats per metre, fine noise 0..1.
// A software driver computes every branch, so that all kinds share one look into the noise.
vec3 patterned(vec3 a, vec3 b, int kind, float repeats, vec2 u, vec2 pixel, float seed, float fine) {
  vec2 s = u * repeats;
  float row = floor(s.x * 2.0), shift = hash(vec2(row, seed)) * 7.0, board = floor(s.y * 0.35 + shift);
  float chance = hash(kind == 2 ? vec2(row, board) : floor(s) + seed);
  // Moved about by the coarse noise, the fine one of kind 3 does not show that it repeats.
  vec3 at = kind == 2 ? vec3(s.x * 1.7 + board * 0.37, s.y * 0.08 + row * 0.23, seed)
          : kind == 3 ? vec3(u * 9.0 + fine * 0.7, seed + fine)
          : vec3(s * (kind == 5 ? 0.25 : 0.5), seed);
  float grain = texture(noise, at).r;
  vec2 often = kind == 2 ? vec2(2.0, 0.35) : vec2(1.0), lines = s * often, wide = pixel * repeats * often;
  float line = max(edge(lines.x, 0.02, wide.x), edge(lines.y + (kind == 2 ? shift : 0.0), kind == 2 ? 0.004 : 0.02, wide.y));
  vec2 g = floor(s);
  float part = kind == 1 ? line
             : kind == 2 ? clamp(0.6 * grain + 0.55 * chance - 0.1, 0.0, 1.0)
             : kind == 3 ? grain
             : kind == 4 ? mod(g.x + g.y, 2.0)
             : kind == 6 ? step(0.5, fract(s.x))
             : kind == 0 ? 0.0
             : smoothstep(kind == 5 ? 0.2 : 0.5, kind == 5 ? 0.8 : 0.56, grain);
  vec2 wear = kind == 1 ? vec2(0.9, 0.2) : kind == 2 ? vec2(1.0, 0.0) : kind == 3 ? vec2(0.8, 0.4)
            : kind == 0 ? vec2(0.96, 0.08) : kind == 6 || kind == 7 ? vec2(0.94, 0.12) : vec2(0.92, 0.16);
  vec3 c = mix(kind == 1 ? a * (0.88 + 0.24 * chance) : a, b, part);
  return c * (wear.x + wear.y * fine) * (kind == 2 ? 1.0 - 0.5 * line : 1.0);
}
