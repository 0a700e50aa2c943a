// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/common/e_model.h"

#include <glib.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <iomanip>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "plugins/common/handles.h"

namespace dragoman {
namespace {

double r_of(const EModelInput& input) { return rate_connection(input).r; }

TEST(EModel, gives_the_recommendations_figures_for_its_defaults) {
  const EModelRating rating = rate_connection({});
  EXPECT_NEAR(rating.r, 93.206, 0.001);
  EXPECT_NEAR(rating.ro, 94.77, 0.01);
  EXPECT_NEAR(rating.is, 1.41, 0.01);
  EXPECT_NEAR(rating.id, 0.15, 0.01);
  EXPECT_EQ(rating.ie_eff, 0);
  EXPECT_NEAR(mos_of(rating.r), 4.41, 0.005);
}

TEST(EModel, gives_the_mos_of_annex_b) {
  // Table B.1, whose figures are rounded.
  EXPECT_NEAR(mos_of(90), 4.34, 0.01);
  EXPECT_NEAR(mos_of(80), 4.03, 0.01);
  EXPECT_NEAR(mos_of(70), 3.60, 0.01);
  EXPECT_NEAR(mos_of(60), 3.10, 0.01);
  EXPECT_NEAR(mos_of(50), 2.58, 0.01);
  EXPECT_EQ(mos_of(100), 4.5);
  EXPECT_EQ(mos_of(120), 4.5);
  EXPECT_EQ(mos_of(0), 1);
  EXPECT_EQ(mos_of(-40), 1);
  for (double r = -10, before = 1; r < 110; r += 0.1) {
    EXPECT_GE(mos_of(r) + 1e-12, before) << r;
    before = mos_of(r);
  }
}

TEST(EModel, impairs_codecs_by_loss_as_the_tables_of_g113_do) {
  // G.113 appendix I, table I.4: Ie and Bpl; by hand Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl).
  const auto ie_eff = [](double ie, double bpl, double loss, double burst_ratio = 1) {
    return rate_connection({.ie = ie, .bpl = bpl, .ppl_pct = loss, .burst_ratio = burst_ratio})
        .ie_eff;
  };
  EXPECT_NEAR(ie_eff(0, 4.3, 5), 51.08, 0.005) << "G.711";
  EXPECT_NEAR(ie_eff(0, 25.1, 5), 15.78, 0.005) << "G.711 with concealment";
  EXPECT_NEAR(ie_eff(11, 19, 2), 19.00, 0.005) << "G.729A";
  EXPECT_NEAR(ie_eff(15, 16.1, 1), 19.68, 0.005) << "G.723.1";
  EXPECT_NEAR(ie_eff(5, 10, 3), 25.77, 0.005) << "GSM EFR";
  EXPECT_NEAR(ie_eff(0, 25.1, 5, 2), 17.21, 0.005) << "bursts twice as long as random ones";
  EXPECT_EQ(ie_eff(11, 19, 0), 11);
}

TEST(EModel, feels_delay_from_a_tenth_of_a_second_on) {
  const double none = r_of({});
  EXPECT_EQ(r_of({.ta_ms = 100}), none);
  // 7-27 with X = 1 and 2: 25 (2^(1/6) - 3 (1 + 3^-6)^(1/6) + 2), 25 (65^(1/6) - …).
  EXPECT_NEAR(none - r_of({.ta_ms = 200}), 3.044, 0.002);
  EXPECT_NEAR(none - r_of({.ta_ms = 400}), 24.077, 0.01);
  EXPECT_EQ(r_of({.ta_ms = 140, .delay_sens = 0.4, .min_delay_ms = 150}), none);
}

TEST(EModel, stays_finite_at_the_ends_of_every_range) {
  for (const double loss : {-5.0, 0.0, 100.0, 1e9, std::numeric_limits<double>::quiet_NaN()}) {
    for (const double delay : {0.0, 1e-9, 500.0, 1e5}) {
      const double r = r_of({.t_ms = delay, .tr_ms = delay, .ta_ms = delay, .ppl_pct = loss});
      EXPECT_TRUE(std::isfinite(r)) << loss << " % " << delay << " ms";
      EXPECT_GE(mos_of(r), 1);
      EXPECT_LE(mos_of(r), 4.5);
    }
  }
}

using Member = double EModelInput::*;
struct Span {
  Member member;
  double low, high;
};
// Table 2's permitted ranges, in the reference's order.
constexpr Span kSpans[] = {
    {&EModelInput::slr_db, 0, 18},       {&EModelInput::rlr_db, -5, 14},
    {&EModelInput::stmr_db, 10, 20},     {&EModelInput::dr_db, -3, 3},
    {&EModelInput::ds_db, -3, 3},        {&EModelInput::telr_db, 5, 65},
    {&EModelInput::wepl_db, 5, 110},     {&EModelInput::t_ms, 0, 500},
    {&EModelInput::tr_ms, 0, 1000},      {&EModelInput::ta_ms, 0, 500},
    {&EModelInput::qdu, 1, 14},          {&EModelInput::ie, 0, 40},
    {&EModelInput::bpl, 4.3, 40},        {&EModelInput::ppl_pct, 0, 20},
    {&EModelInput::burst_ratio, 1, 8},   {&EModelInput::nc_dbm0p, -80, -40},
    {&EModelInput::nfor_dbmp, -64, -50}, {&EModelInput::ps_dba, 35, 85},
    {&EModelInput::pr_dba, 35, 85},      {&EModelInput::advantage, 0, 20},
    {&EModelInput::delay_sens, 0.4, 1},  {&EModelInput::min_delay_ms, 20, 150},
};

/// The defaults, then each parameter alone at its ends, then all at random.
std::vector<EModelInput> inputs() {
  std::vector<EModelInput> all{{}};
  for (const Span& span : kSpans) {
    for (const double end : {span.low, span.high}) all.emplace_back().*span.member = end;
  }
  for (const double stmr : {5.0, 8.9, 9.0, 20.1, 25.0}) {
    all.push_back({.stmr_db = stmr, .t_ms = 80, .tr_ms = 160, .ta_ms = 80});
  }
  std::mt19937 random(107);
  for (int i = 0; i < 500; ++i) {
    EModelInput& input = all.emplace_back();
    for (const Span& span : kSpans) {
      input.*span.member = std::uniform_real_distribution(span.low, span.high)(random);
    }
  }
  return all;
}

TEST(EModelAndReference, agree_over_all_ranges) {
  if (!CharPtr(g_find_program_in_path("python3"))) GTEST_SKIP() << "no python3";
  const CharPtr folder(g_dir_make_tmp("e-model-XXXXXX", nullptr));
  const std::string path = std::string(folder.get()) + "/inputs";
  const std::vector<EModelInput> all = inputs();
  {
    std::ofstream file(path);
    file << std::setprecision(17);
    for (const EModelInput& input : all) {
      for (const Span& span : kSpans) file << input.*span.member << ' ';
      file << '\n';
    }
  }
  const std::string command = "python3 " REFERENCE " < " + path;
  const std::unique_ptr<FILE, Deleter<pclose>> pipe(popen(command.c_str(), "r"));
  size_t compared = 0;
  for (double r, mos; fscanf(pipe.get(), "%lf %lf", &r, &mos) == 2; ++compared) {
    ASSERT_LT(compared, all.size());
    EXPECT_NEAR(r_of(all[compared]), r, 1e-6) << "input " << compared;
    EXPECT_NEAR(mos_of(r_of(all[compared])), mos, 1e-6) << "input " << compared;
  }
  EXPECT_EQ(compared, all.size());
  remove(path.c_str());
  rmdir(folder.get());
}

}  // namespace
}  // namespace dragoman
