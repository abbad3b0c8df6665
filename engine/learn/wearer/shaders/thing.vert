in vec3 position;            // on a solid of size 1 around the origin
in vec3 normal;
in mat4 matrix;
in vec4 first;               // colour, glow
in vec4 second;              // colour, repeats
in vec2 kind;                // pattern, seed
out vec3 world, world_normal, metric, metric_normal;
flat out vec4 first_colour, second_colour;
flat out vec2 pattern;

void main() {
  vec3 size = vec3(length(matrix[0].xyz), length(matrix[1].xyz), length(matrix[2].xyz));
  world = (matrix * vec4(position, 1.0)).xyz;
  world_normal = mat3(matrix) * (normal / (size * size));
  metric = position * size; metric_normal = normal;
  first_colour = first; second_colour = second; pattern = kind;
#ifdef SHADOW
  gl_Position = vec4((lamp_view * vec4(world, 1.0)).xyz * 2.0 - 1.0, 1.0);
#else
  float theta;
  gl_Position = through_lens((camera * vec4(world, 1.0)).xyz, theta);
  gl_ClipDistance[0] = lens_scale.x - theta;
#endif
}
