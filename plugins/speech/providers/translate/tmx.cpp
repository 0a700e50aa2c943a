// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/translate/tmx.h"

#include <glib.h>
#include <libxml/xmlreader.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

namespace dragoman {
namespace {

struct FreeReader {
  void operator()(xmlTextReader* reader) const { xmlFreeTextReader(reader); }
};

// Native codes of another format within a segment: not text.
bool is_code(std::string_view element) {
  return element == "bpt" || element == "ept" || element == "ph" || element == "it" ||
         element == "ut" || element == "sub";
}

std::string collapsed(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

// Walks the document once. Each on_… either advances the state or sets the error, which ends it.
class TmxParser {
 public:
  TmxParser(std::string_view text, std::string name) : name_(std::move(name)) {
    reader_.reset(xmlReaderForMemory(text.data(), static_cast<int>(text.size()), nullptr, nullptr,
                                     XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES));
    if (reader_) xmlTextReaderSetStructuredErrorHandler(reader_.get(), on_xml_error, this);
  }

  TmxFile parse() {
    if (!reader_) return {{}, name_ + ": out of memory"};
    int more = 1;
    while (file_.error.empty() && (more = xmlTextReaderRead(reader_.get())) == 1) on_node();
    if (!xml_error_.empty()) file_.error = xml_error_;  // what went wrong first
    if (file_.error.empty() && more != 1 && !seen_root_)
      fail("there is no <tmx> element", "give a TMX 1.4 file");
    if (file_.error.empty() && file_.units.empty())
      fail("it holds no translation units", "put at least one <tu> with two <tuv> into its <body>");
    if (!file_.error.empty()) file_.units.clear();
    return std::move(file_);
  }

 private:
  static void on_xml_error(void* self, xmlErrorPtr error) {
    auto* parser = static_cast<TmxParser*>(self);
    if (!parser->xml_error_.empty() || error->level < XML_ERR_ERROR) return;
    std::string what = error->message ? error->message : "malformed XML";
    while (what.ends_with('\n')) what.pop_back();
    parser->xml_error_ = parser->name_ + ":" + std::to_string(error->line) + ": " + what +
                         ": correct the XML (xmllint --noout shows the place)";
  }

  // Of the node at hand; the parser itself reads ahead.
  int line() {
    xmlNodePtr node = xmlTextReaderCurrentNode(reader_.get());
    return node ? static_cast<int>(xmlGetLineNo(node))
                : xmlTextReaderGetParserLineNumber(reader_.get());
  }

  void fail(const std::string& what, const std::string& cure) {
    file_.error = name_ + ":" + std::to_string(line()) + ": " + what + ": " + cure;
  }

  std::string attribute(const char* name) {
    std::unique_ptr<xmlChar, decltype(xmlFree)> value(
        xmlTextReaderGetAttribute(reader_.get(), BAD_CAST name), xmlFree);
    return value ? reinterpret_cast<const char*>(value.get()) : "";
  }

  void on_node() {
    const auto* raw = reinterpret_cast<const char*>(xmlTextReaderConstLocalName(reader_.get()));
    std::string_view element = raw ? raw : "";
    switch (xmlTextReaderNodeType(reader_.get())) {
      case XML_READER_TYPE_ELEMENT: {
        bool empty = xmlTextReaderIsEmptyElement(reader_.get()) == 1;
        on_start(element);
        if (empty && file_.error.empty()) on_end(element);
        break;
      }
      case XML_READER_TYPE_END_ELEMENT:
        on_end(element);
        break;
      case XML_READER_TYPE_TEXT:
      case XML_READER_TYPE_CDATA:
      case XML_READER_TYPE_WHITESPACE:
      case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
        on_text();
        break;
      default:
        break;
    }
  }

  void on_start(std::string_view element) {
    if (!seen_root_) return on_root(element);
    if (element == "header")
      file_language_ = attribute("srclang");
    else if (element == "tu")
      on_unit();
    else if (element == "tuv")
      on_variant();
    else if (element == "prop" && unit_)
      in_detachable_ = attribute("type") == "x-detachable";
    else if (element == "seg" && variant_)
      in_segment_ = true;
    else if (is_code(element) && in_segment_)
      ++codes_;
  }

  void on_root(std::string_view element) {
    seen_root_ = true;
    if (element != "tmx")
      return fail("the root element is <" + std::string(element) + ">", "give a TMX 1.4 file");
    std::string version = attribute("version");
    if (!version.starts_with("1."))
      fail("TMX version \"" + version + "\"", "save the file as TMX 1.4");
  }

  void on_unit() {
    if (unit_) return fail("a <tu> within a <tu>", "close the first with </tu>");
    unit_ = TmxUnit{};
    unit_->line = line();
    std::string own = attribute("srclang");
    unit_->source_language = own.empty() ? file_language_ : own;
    if (unit_->source_language == "*all*") unit_->source_language.clear();
  }

  void on_variant() {
    if (!unit_) return fail("a <tuv> outside of any <tu>", "put it into a <tu>");
    std::string language = attribute("xml:lang");
    if (language.empty()) language = attribute("lang");
    if (language.empty())
      return fail("a <tuv> without xml:lang", "say its language, as in <tuv xml:lang=\"en\">");
    variant_ = TmxVariant{language, {}};
  }

  void on_text() {
    const auto* raw = reinterpret_cast<const char*>(xmlTextReaderConstValue(reader_.get()));
    std::string_view text = raw ? raw : "";
    if (in_detachable_ && collapsed(text) == "yes") unit_->detachable = true;
    if (in_segment_ && codes_ == 0) variant_->text += text;
  }

  void on_end(std::string_view element) {
    if (element == "seg") {
      in_segment_ = false;
    } else if (element == "prop") {
      in_detachable_ = false;
    } else if (is_code(element) && in_segment_) {
      --codes_;
    } else if (element == "tuv" && variant_) {
      variant_->text = collapsed(variant_->text);
      if (variant_->text.empty())
        return fail("a <tuv> without text", "fill its <seg> or remove the unit");
      unit_->variants.push_back(*std::exchange(variant_, std::nullopt));
    } else if (element == "tu" && unit_) {
      if (unit_->variants.size() < 2)
        return fail("a <tu> with fewer than two <tuv>", "add the translation or remove the unit");
      file_.units.push_back(*std::exchange(unit_, std::nullopt));
    }
  }

  std::string name_;
  std::unique_ptr<xmlTextReader, FreeReader> reader_;
  TmxFile file_;
  std::string xml_error_;
  std::string file_language_;
  std::optional<TmxUnit> unit_;
  std::optional<TmxVariant> variant_;
  bool seen_root_ = false, in_segment_ = false, in_detachable_ = false;
  int codes_ = 0;  // how deep in inline codes
};

}  // namespace

TmxFile parse_tmx(std::string_view text, const std::string& name) {
  return TmxParser(text, name).parse();
}

TmxFile read_tmx(const std::filesystem::path& path) {
  std::error_code error;
  auto size = std::filesystem::file_size(path, error);
  if (error)
    return {{}, path.string() + ": " + error.message() + ": give the path of a readable TMX file"};
  if (size > kMaxTmxBytes)
    return {{},
            path.string() + ": " + std::to_string(size >> 20) + " MB is more than the limit of " +
                std::to_string(kMaxTmxBytes >> 20) + " MB: split it into several files"};
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream)
    return {{},
            path.string() + ": " + g_strerror(errno) + ": give the path of a readable TMX file"};
  return parse_tmx(text.str(), path.string());
}

}  // namespace dragoman
