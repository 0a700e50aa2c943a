// SPDX-License-Identifier: LGPL-2.1-or-later
// The key figures under the panels.
#include <cstdio>

#include "launcher/measure/figures_output.h"
#include "launcher/measure/plot_panels.h"

namespace dragoman {
namespace {

struct KeyNumber {
  const char* key;
  const char* name;
  double Figures::*figure = &Figures::figure;
};

/// The most telling first, and last what only POST has, so that both columns are alike.
constexpr KeyNumber kKeyNumbers[] = {
    {"audio_level_dbfs", "RMS level"},
    {"peak_dbfs", "peak", &Figures::max},
    {"active_speech_level_dbfs", "active speech level"},
    {"noise_floor_dbfs", "noise floor"},
    {"snr_db", "SNR"},
    {"loudness_integrated_lufs", "loudness"},
    {"true_peak_dbtp", "true peak", &Figures::max},
    {"clipping_ratio", "clipped"},
    {"voice_activity_ratio", "voice activity"},
    {"pitch_hz", "pitch"},
    {"spectral_centroid_hz", "spectral centroid"},
    {"hum_db", "hum"},
    {"dynamic_range_db", "dynamic range"},
    {"crest_factor_db", "crest factor"},
    {"dc_offset", "DC offset"},
    {"silence_ratio", "silence"},
    {"agc_gain_db", "AGC gain"},
    {"noise_reduction_db", "noise reduction"},
    {"log_spectral_distance_db", "spectral distance"},
};

/// A minus as long as a plus, for the eye.
std::string with_minus(const std::string& number) {
  return number[0] == '-' ? "\u2212" + number.substr(1) : number;
}

std::string with_unit(const Parameter& parameter, double value) {
  char text[64];
  const std::string_view unit = parameter.unit;
  if (unit == "0-1") {
    std::snprintf(text, sizeof text, "%.1f %%", 100 * value);
    return text;
  }
  return with_minus(figure_text(parameter, value)) +
         (unit == "of full scale" ? "" : " " + std::string(unit));
}

/// " (+6.0)" where PRE has it, too.
std::string change_text(const MeasuredBucket& whole, const KeyNumber& number, int index,
                        double at_post) {
  const auto found = whole.taps[0].find(index);
  if (found == whole.taps[0].end()) return {};
  const Parameter& parameter = *find_parameter(number.key);
  const double change = at_post - found->second.*number.figure;
  const bool ratio = std::string_view(parameter.unit) == "0-1";
  char text[64];
  std::snprintf(text, sizeof text, "%+.1f", ratio ? 100 * change : change);
  const bool none = std::string_view(text).find_first_of("123456789") == std::string_view::npos;
  return none ? std::string() : "  " + with_minus(text);
}

Colour colour_of(const std::string& state) {
  return state == "critical" || state == "warning" ? plot_colours::kAlarm : plot_colours::kInk;
}

}  // namespace

void draw_numbers(cairo_t* cairo, const Rectangle& area, const MeasuredBucket& whole, size_t tap) {
  using namespace plot_layout;
  const double width = area.width / kNumbersInRow;
  int place = 0;
  for (const KeyNumber& number : kKeyNumbers) {
    const Parameter& parameter = *find_parameter(number.key);
    const auto found = whole.taps[tap].find(parameter.number);
    if (found == whole.taps[tap].end()) continue;
    const double x = area.x + place % kNumbersInRow * width;
    const double y = area.y + place / kNumbersInRow * kRowHeight;
    const Figures& figures = found->second;
    const double value = figures.*number.figure;
    const bool outside = !figures.state.empty() && figures.state != "normal";
    draw_text(cairo, x, y + 14, number.name + (outside ? " · " + figures.state : std::string()), 12,
              outside ? colour_of(figures.state) : plot_colours::kFaint, Align::kLeft,
              Weight::kPlain, width - 6);
    const double end = x + draw_text(cairo, x, y + 33, with_unit(parameter, value), 15,
                                     plot_colours::kInk, Align::kLeft, Weight::kBold, width - 6);
    if (tap > 0) {
      draw_text(cairo, end, y + 33, change_text(whole, number, parameter.number, value), 12.5,
                plot_colours::kSecond);
    }
    if (++place == kNumbersInRow * kNumberRows) break;
  }
}

}  // namespace dragoman
