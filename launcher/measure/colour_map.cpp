// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/measure/colour_map.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dragoman {
namespace {

struct Linear {
  double red, green, blue;
};

/// OKLab in cylinder coordinates to linear sRGB; hue in degrees.
Linear linear_of(double lightness, double chroma, double hue) {
  const double angle = hue * std::numbers::pi / 180;
  const double a = chroma * std::cos(angle), b = chroma * std::sin(angle);
  const double l = std::pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
  const double m = std::pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
  const double s = std::pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
  return {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
          -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
          -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

double gamma_of(double linear) {
  linear = std::clamp(linear, 0.0, 1.0);
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
}

double linear_of(double gamma) {
  return gamma <= 0.04045 ? gamma / 12.92 : std::pow((gamma + 0.055) / 1.055, 2.4);
}

}  // namespace

Colour map_colour(double value) {
  value = std::clamp(value, 0.0, 1.0);
  // Chosen to stay within sRGB and to go equally far in OKLab with each step.
  const double lightness = 0.13 + 0.82 * value;
  const double hue = 285 + 180 * std::pow(value, 0.8);  // violet, red, orange, yellow
  const double chroma = 0.04 + 0.125 * std::sin(std::numbers::pi * (0.05 + 0.8 * value));
  const Linear linear = linear_of(lightness, chroma, hue);
  return {gamma_of(linear.red), gamma_of(linear.green), gamma_of(linear.blue)};
}

double lightness_of(const Colour& colour) {
  const double red = linear_of(colour.red), green = linear_of(colour.green),
               blue = linear_of(colour.blue);
  const double l = std::cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const double m = std::cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const double s = std::cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s;
}

}  // namespace dragoman
