// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/util/values.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "launcher/util/json.h"
#include "plugins/common/handles.h"

namespace dragoman {
namespace {

class ValuesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

  static std::string json_of(const GstStructure* structure) {
    GVariant* variant = g_variant_ref_sink(variant_from_structure(structure));
    const std::string json = json_from_variant(variant);
    g_variant_unref(variant);
    return json;
  }

  /// Sets `variant` on a property of `element` type; the error, empty if it was taken.
  static std::string refusal(const char* element, const char* property, GVariant* variant,
                             std::string* taken = nullptr) {
    const GstObjectPtr<GstElement> target(
        GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make(element, nullptr))));
    GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(target.get()), property);
    GValue value = G_VALUE_INIT;
    std::string error;
    g_variant_ref_sink(variant);
    if (value_from_variant(variant, spec, &value, error)) {
      if (taken) *taken = CharPtr(gst_value_serialize(&value)).get();
      g_value_unset(&value);
    } else {
      EXPECT_EQ(G_VALUE_TYPE(&value), 0u) << "a refused value is left unset";
    }
    g_variant_unref(variant);
    return error;
  }
};

TEST_F(ValuesTest, AStructureBecomesAnObjectWithUnderscores) {
  const StructurePtr inner(gst_structure_new("metric", "count", G_TYPE_UINT64, guint64{3}, "avg",
                                             G_TYPE_DOUBLE, -0.1, nullptr));
  const StructurePtr structure(
      gst_structure_new("bucket", "is-final", G_TYPE_BOOLEAN, TRUE, "bucket-utc", G_TYPE_UINT64,
                        guint64{1761000000000000001}, "text", G_TYPE_STRING, "say \"¿qué?\"\n",
                        "rate", G_TYPE_UINT, 16000u, "level", GST_TYPE_STRUCTURE, inner.get(),
                        "stream-time", G_TYPE_UINT64, GST_CLOCK_TIME_NONE, nullptr));
  EXPECT_EQ(
      json_of(structure.get()),
      "{\"is_final\":true,\"bucket_utc\":1761000000000000001,\"text\":\"say \\\"¿qué?\\\"\\n\","
      "\"rate\":16000,\"level\":{\"count\":3,\"avg\":-0.1}}");
}

TEST_F(ValuesTest, ListsAndWhatHasNoTypeOfItsOwnComeThrough) {
  const StructurePtr structure(gst_structure_from_string(
      "x, a=(int){ 1, 2 }, b=(fraction)30/1, c=(double)< 0.5 >, d=(string)NULL", nullptr));
  EXPECT_EQ(json_of(structure.get()), "{\"a\":[1,2],\"b\":\"30/1\",\"c\":[0.5],\"d\":\"\"}");
}

TEST_F(ValuesTest, NumbersThatJsonCannotSayAreNull) {
  EXPECT_EQ(json_number(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(json_number(std::nan("")), "null");
  EXPECT_EQ(json_number(0.1), "0.1");
  EXPECT_EQ(json_number(-23), "-23");
}

TEST_F(ValuesTest, BrokenTextBecomesValidJson) {
  EXPECT_EQ(json_string("a\xff"
                        "b\x01"),
            "\"a\xEF\xBF\xBD"
            "b\\u0001\"");
}

TEST_F(ValuesTest, NumbersConvertWhereNothingIsLost) {
  std::string taken;
  EXPECT_EQ(refusal("udpsrc", "port", g_variant_new_double(4000), &taken), "");
  EXPECT_EQ(taken, "4000");
  EXPECT_EQ(refusal("volume", "volume", g_variant_new_int32(2), &taken), "");
  EXPECT_EQ(refusal("volume", "mute", g_variant_new_string("yes"), &taken), "");
  EXPECT_EQ(taken, "true");
  EXPECT_NE(refusal("udpsrc", "port", g_variant_new_double(4000.5)), "");
  EXPECT_NE(refusal("udpsrc", "port", g_variant_new_int32(70000)), "");
  EXPECT_NE(refusal("volume", "mute", g_variant_new_int32(1)), "");
  EXPECT_NE(refusal("volume", "volume", g_variant_new_boolean(TRUE)), "");
  EXPECT_NE(refusal("filesink", "location", g_variant_new_int32(1)), "");
}

TEST_F(ValuesTest, ARefusalSaysWhatIsTaken) {
  EXPECT_EQ(refusal("volume", "volume", g_variant_new_double(11)),
            "'11' is not a value of 'volume': it takes 0 to 10");
  EXPECT_EQ(refusal("udpsrc", "port", g_variant_new_string("x")),
            "'x' is not a value of 'port': it takes 0 to 65535");
}

}  // namespace
}  // namespace dragoman
