// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman measure --plot`: the picture, pixel by pixel where it matters.
#include "launcher/measure/plot.h"

#include <cairo.h>
#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "launcher/measure/colour_map.h"
#include "tests/launcher/measure/measure_fixture.h"

namespace dragoman::testing {
namespace {

using namespace plot_layout;
using ::testing::HasSubstr;

/// A PNG, read back.
class Picture {
 public:
  explicit Picture(const std::string& file)
      : surface_(cairo_image_surface_create_from_png(file.c_str())) {
    EXPECT_EQ(cairo_surface_status(surface_.get()), CAIRO_STATUS_SUCCESS) << file;
  }
  int width() const { return cairo_image_surface_get_width(surface_.get()); }
  int height() const { return cairo_image_surface_get_height(surface_.get()); }
  uint32_t pixel(double x, double y) const {
    const auto* row = cairo_image_surface_get_data(surface_.get()) +
                      static_cast<int>(y) * cairo_image_surface_get_stride(surface_.get());
    return reinterpret_cast<const uint32_t*>(row)[static_cast<int>(x)] & 0xffffff;
  }
  double lightness(double x, double y) const {
    const uint32_t rgb = pixel(x, y);
    return lightness_of({(rgb >> 16) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0});
  }
  /// Pixels of an area that are not paper.
  int inked(double x, double y, double width, double height) const {
    int count = 0;
    for (int row = 0; row < height; ++row) {
      for (int column = 0; column < width; ++column) {
        count += pixel(x + column, y + row) != 0xffffff;
      }
    }
    return count;
  }
  size_t colours() const {
    std::set<uint32_t> seen;
    for (int y = 0; y < height(); ++y) {
      for (int x = 0; x < width(); ++x) seen.insert(pixel(x, y));
    }
    return seen.size();
  }

 private:
  std::unique_ptr<cairo_surface_t, Deleter<cairo_surface_destroy>> surface_;
};

class PlotTest : public MeasureTest {
 protected:
  Picture plot(const std::string& files) {
    const std::string png = folder_ / "out.png";
    const CommandResult result = measure("--plot '" + png + "' " + files);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("audio_level_dbfs")) << "the figures are printed, too";
    return Picture(png);
  }
};

/// The lightest row of the spectrogram at `x`, in kHz.
double brightest_khz(const Picture& picture, double x, double nyquist_khz) {
  double best = -1, at = 0;
  for (double y = kSpectrogramTop + 2; y < kSpectrogramTop + kSpectrogramHeight - 2; ++y) {
    if (picture.lightness(x, y) <= best) continue;
    best = picture.lightness(x, y);
    at = y;
  }
  return nyquist_khz * (1 - (at + 0.5 - kSpectrogramTop) / kSpectrogramHeight);
}

TEST_F(PlotTest, OneRecordingFillsAPictureOfOneColumn) {
  const Picture picture = plot("'" + kEnglishPrompt + "'");
  EXPECT_EQ(picture.width(), static_cast<int>(kLeft + kOneWidth + kLegend));
  EXPECT_EQ(picture.height(), static_cast<int>(kHeight));
  EXPECT_GT(picture.colours(), 300u);
  EXPECT_GT(picture.inked(kLeft, 20, 300, 60), 500) << "title";
  EXPECT_GT(picture.inked(kLeft, kNumbersTop, kOneWidth, kRowHeight), 500) << "key figures";
  EXPECT_GT(picture.inked(10, kTop, kLeft - 20, kWaveHeight), 100) << "axis";
}

TEST_F(PlotTest, TheSpectrogramIsBrightestWhereTheToneIs) {
  const std::string one = sox("-r 16000 -n -b 16", "low.wav", "synth 2 sine 1000 gain -6");
  const std::string two = sox("-r 16000 -n -b 16", "high.wav", "synth 2 sine 5000 gain -6");
  const std::string both = sox("'" + one + "' '" + two + "'", "both.wav", "");
  const Picture picture = plot("'" + both + "'");
  EXPECT_NEAR(brightest_khz(picture, kLeft + kOneWidth / 4, 8), 1, 0.06);
  EXPECT_NEAR(brightest_khz(picture, kLeft + 3 * kOneWidth / 4, 8), 5, 0.06);
}

TEST_F(PlotTest, TwoRecordingsStandSideBySideOnTheSameScales) {
  const std::string pre = sox("-r 8000 -n -b 16", "pre.wav", "synth 3 sine 500 gain -26");
  const std::string post = sox("-r 8000 -n -b 16", "post.wav", "synth 3 sine 500 gain -6");
  const Picture picture = plot("'" + pre + "' '" + post + "'");
  EXPECT_EQ(picture.width(), static_cast<int>(kLeft + 2 * kTwoWidth + kBetween + kLegend));
  const double right = kLeft + kTwoWidth + kBetween, x = kTwoWidth / 2;
  const double y = kSpectrogramTop + kSpectrogramHeight * (1 - 0.5 / 4);
  EXPECT_GT(picture.lightness(right + x, y), picture.lightness(kLeft + x, y) + 0.15);
  const double wave = kTop + kWaveHeight / 2 - kWaveHeight / 8;  // amplitude 0.25 of 1
  EXPECT_EQ(picture.pixel(kLeft + x + 5, wave), 0xffffffu) << "PRE has 0.05";
  EXPECT_NE(picture.pixel(right + x + 5, wave), 0xffffffu) << "POST has 0.5";
}

TEST_F(PlotTest, SilenceOneSampleStereoAndFloatHavePictures) {
  for (const std::string& file :
       {sox("-r 8000 -n -b 16", "silence.wav", "trim 0 1"),
        sox("-r 8000 -n -b 16", "sample.wav", "trim 0 1s"),
        sox("-r 48000 -n -c 2 -e float", "float.wav", "synth 0.3 sine 1")}) {
    EXPECT_EQ(plot("'" + file + "'").height(), static_cast<int>(kHeight)) << file;
  }
}

TEST_F(PlotTest, AnIntervalLeavesThePictureAsItIs) {
  const std::string input = "'" + kEnglishPrompt + "'";
  const Picture whole = plot(input), parts = plot("-i 1 " + input);
  int different = 0;
  for (int y = 0; y < whole.height(); ++y) {
    for (int x = 0; x < whole.width(); ++x) different += whole.pixel(x, y) != parts.pixel(x, y);
  }
  EXPECT_EQ(different, 0);
}

TEST_F(PlotTest, APictureThatCannotBeWrittenIsRefusedBeforeMeasuring) {
  const std::string input = " '" + kEnglishPrompt + "'";
  const CommandResult nowhere = measure("--plot /nosuch/out.png" + input);
  EXPECT_EQ(nowhere.status, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("there is no folder '/nosuch'"));
  EXPECT_EQ(nowhere.out, "");
  std::filesystem::create_directory(folder_ / "folder.png");
  EXPECT_THAT(measure("--plot " + (folder_ / "folder.png") + input).err, HasSubstr("is a folder"));
  const CommandResult device = measure("--plot /proc/out.png" + input);
  EXPECT_EQ(device.status, 1);
  EXPECT_THAT(device.err, HasSubstr("cannot write '/proc/out.png'"));
  const CommandResult kind = measure("--plot out.jpg" + input);
  EXPECT_EQ(kind.status, 2);
  EXPECT_THAT(kind.err, HasSubstr("name it so: out.jpg.png"));
}

}  // namespace
}  // namespace dragoman::testing
