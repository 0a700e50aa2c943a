// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/measure/plot_axes.h"

#include <glib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace dragoman {
namespace {

constexpr double kTickSize = 12.5, kTickLength = 5;

std::vector<Tick> ticks_at(const Axis& axis, double step, std::string (*text_of)(double, double)) {
  std::vector<Tick> ticks;
  const double first = std::ceil(axis.low / step - 1e-6);
  for (double i = first; i * step <= axis.high + step * 1e-6; ++i) {
    ticks.push_back({i * step, text_of(i * step, step)});
  }
  return ticks;
}

std::string number_text(double value, double step) {
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-6)));
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, std::abs(value) < step / 100 ? 0.0 : value);
  return text[0] == '-' ? "\u2212" + std::string(text + 1) : text;
}

std::string minutes_text(double value, double) {
  const long seconds = std::lround(value);
  char text[32];
  std::snprintf(text, sizeof text, "%ld:%02ld", seconds / 60, seconds % 60);
  return text;
}

std::string hours_text(double value, double) {
  const long minutes = std::lround(value / 60);
  char text[32];
  std::snprintf(text, sizeof text, "%ld:%02ld", minutes / 60, minutes % 60);
  return text;
}

constexpr double kMinutesFrom = 120, kHoursFrom = 7200;

void choose_font(cairo_t* cairo, double size, Weight weight) {
  cairo_select_font_face(
      cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
      weight == Weight::kBold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo, size);
}

double width_of(cairo_t* cairo, const std::string& text) {
  cairo_text_extents_t extents;
  cairo_text_extents(cairo, text.c_str(), &extents);
  return extents.x_advance;
}

/// `text` without as much of its middle as makes it fit.
std::string shortened(cairo_t* cairo, const std::string& text, double most) {
  if (width_of(cairo, text) <= most) return text;
  const glong length = g_utf8_strlen(text.c_str(), -1);
  const auto part = [&](glong from, glong to) {
    const char *begin = g_utf8_offset_to_pointer(text.c_str(), from),
               *end = g_utf8_offset_to_pointer(text.c_str(), to);
    return std::string(begin, end);
  };
  for (glong kept = length - 1; kept > 4; --kept) {
    const glong head = kept / 3;
    std::string shorter = part(0, head) + "…" + part(length - (kept - head), length);
    if (width_of(cairo, shorter) <= most) return shorter;
  }
  return "…";
}

}  // namespace

std::vector<Tick> round_ticks(const Axis& axis, size_t most) {
  const double span = axis.high - axis.low;
  const double power = std::pow(10, std::floor(std::log10(span / static_cast<double>(most))));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (span / (factor * power) <= static_cast<double>(most)) step = factor * power;
  }
  return ticks_at(axis, step, number_text);
}

std::vector<Tick> time_ticks(const Axis& axis, size_t most) {
  if (axis.high < kMinutesFrom) return round_ticks(axis, most);
  constexpr std::array kSteps = {5.0,   10.0,  15.0,   30.0,   60.0,   120.0,   300.0,
                                 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10800.0, 21600.0};
  double step = kSteps.back();
  for (size_t i = kSteps.size(); i-- > 0;) {
    if ((axis.high - axis.low) / kSteps[i] <= static_cast<double>(most)) step = kSteps[i];
  }
  return ticks_at(axis, step, axis.high < kHoursFrom ? minutes_text : hours_text);
}

const char* time_unit(const Axis& axis) {
  if (axis.high < kMinutesFrom) return "time (s)";
  return axis.high < kHoursFrom ? "time (min:s)" : "time (h:min)";
}

void set_colour(cairo_t* cairo, const Colour& colour, double opacity) {
  cairo_set_source_rgba(cairo, colour.red, colour.green, colour.blue, opacity);
}

double draw_text(cairo_t* cairo, double x, double y, const std::string& text, double size,
                 const Colour& colour, Align align, Weight weight, double most) {
  choose_font(cairo, size, weight);
  const std::string shown = shortened(cairo, text, most);
  const double width = width_of(cairo, shown);
  const double share = align == Align::kLeft ? 0 : align == Align::kCentre ? 0.5 : 1;
  set_colour(cairo, colour);
  cairo_move_to(cairo, x - share * width, y);
  cairo_show_text(cairo, shown.c_str());
  cairo_new_path(cairo);
  return width;
}

void draw_upright_text(cairo_t* cairo, double x, double y, const std::string& text, double size) {
  cairo_save(cairo);
  cairo_translate(cairo, x, y);
  cairo_rotate(cairo, -G_PI / 2);
  draw_text(cairo, 0, size * 0.35, text, size, plot_colours::kInk, Align::kCentre);
  cairo_restore(cairo);
}

void draw_grid(cairo_t* cairo, const Panel& panel, const std::vector<Tick>& x_ticks,
               const std::vector<Tick>& y_ticks) {
  const Rectangle& area = panel.area;
  set_colour(cairo, plot_colours::kGrid);
  cairo_set_line_width(cairo, 1);
  for (const Tick& tick : x_ticks) {
    const double x = std::floor(panel.x_of(tick.value)) + 0.5;
    cairo_move_to(cairo, x, area.y);
    cairo_line_to(cairo, x, area.bottom());
  }
  for (const Tick& tick : y_ticks) {
    const double y = std::floor(panel.y_of(tick.value)) + 0.5;
    cairo_move_to(cairo, area.x, y);
    cairo_line_to(cairo, area.right(), y);
  }
  cairo_stroke(cairo);
}

void draw_frame(cairo_t* cairo, const Panel& panel) {
  set_colour(cairo, plot_colours::kFrame);
  cairo_set_line_width(cairo, 1);
  cairo_rectangle(cairo, panel.area.x - 0.5, panel.area.y - 0.5, panel.area.width + 1,
                  panel.area.height + 1);
  cairo_stroke(cairo);
}

void draw_x_labels(cairo_t* cairo, const Panel& panel, const std::vector<Tick>& ticks) {
  const double bottom = panel.area.bottom();
  for (const Tick& tick : ticks) {
    const double x = std::floor(panel.x_of(tick.value)) + 0.5;
    set_colour(cairo, plot_colours::kFrame);
    cairo_move_to(cairo, x, bottom);
    cairo_line_to(cairo, x, bottom + kTickLength);
    cairo_stroke(cairo);
    draw_text(cairo, x, bottom + kTickLength + 14, tick.text, kTickSize, plot_colours::kInk,
              Align::kCentre);
  }
}

void draw_y_labels(cairo_t* cairo, const Panel& panel, const std::vector<Tick>& ticks) {
  for (const Tick& tick : ticks) {
    const double y = std::floor(panel.y_of(tick.value)) + 0.5;
    set_colour(cairo, plot_colours::kFrame);
    cairo_move_to(cairo, panel.area.x, y);
    cairo_line_to(cairo, panel.area.x - kTickLength, y);
    cairo_stroke(cairo);
    draw_text(cairo, panel.area.x - kTickLength - 4, y + kTickSize * 0.36, tick.text, kTickSize,
              plot_colours::kInk, Align::kRight);
  }
}

}  // namespace dragoman
