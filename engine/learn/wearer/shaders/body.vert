layout(std140) uniform Bones { mat3x4 bones[128]; };  // transposed, without their last row
uniform vec4 cut;            // ends of sleeve, trouser leg, collar; neckline in metres
uniform vec4 loose;          // metres off the body: shirt, sleeve, trousers, shoe
uniform vec4 level;          // rest heights: base of the neck, hem of the shirt, top of the shoe; hairline
in vec3 position;
in vec3 normal;
in vec4 weight;
in uvec4 bone;
in vec3 place;               // along arm, leg, head
in float region;
flat out float shown;
out vec3 rest, world, world_normal, limb;

void main() {
  float off = 0.0, torso = step(place.x, -0.5) * step(place.y, -0.5) * step(place.z, -0.5);
  off += torso * mix(loose.z, loose.x * (1.0 + 0.8 * smoothstep(level.x - 0.2, level.y, position.z)), smoothstep(level.y - 0.02, level.y + 0.02, position.z));
  off += step(0.0, place.x) * loose.y * smoothstep(cut.x + 0.03, cut.x - 0.03, place.x) * (0.5 + place.x);
  off += step(0.0, place.y) * loose.z * smoothstep(cut.y + 0.03, cut.y - 0.03, place.y) * (0.5 + place.y);
  off += step(0.5, place.y) * loose.w * smoothstep(level.z + 0.01, level.z - 0.01, position.z);
  vec3 p = position + normal * off * (0.75 + 0.5 * sin(position.z * 23.0 + position.x * 11.0) * sin(position.y * 17.0 + position.z * 7.0));
  mat3x4 m = bones[bone.x] * weight.x + bones[bone.y] * weight.y + bones[bone.z] * weight.z + bones[bone.w] * weight.w;
  rest = position; limb = place; shown = region;
  world = vec4(p, 1.0) * m;
  world_normal = vec4(normal, 0.0) * m;
#ifdef SHADOW
  gl_Position = vec4((lamp_view * vec4(world, 1.0)).xyz * 2.0 - 1.0, 1.0);
#else
  vec3 c = (camera * vec4(world, 1.0)).xyz;
  float theta;
  gl_Position = through_lens(c, theta);
  gl_ClipDistance[0] = lens_scale.x - theta;
#endif
}
