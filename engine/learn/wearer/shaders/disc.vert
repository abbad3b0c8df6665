in vec2 corner;              // on a polygon around the circle of radius 1
out vec2 place;              // the same
void main() { place = corner; gl_Position = vec4(lens_centre + corner * lens_scale.yz, 0.9999, 1.0); }
