// record_schema.hpp: the three formats, and the reader of one of them.
#include "output/record_schema.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cvt/extra/json.hpp>
#include <initializer_list>

#include "common/text.hpp"

namespace app {
namespace {

// The parts of a JSON record, in order. The writer and the readers share them: "id" is optional, and so are "start" and "end" together;
// then comes one of the others.
namespace part {
constexpr std::string_view path = "{\"path\": ", id = ", \"id\": ", start = ", \"start\": ", end = ", \"end\": ",
                           error = ", \"error\": {\"code\": ", top = ", \"top\": [",
                           attention = ", \"attention\": ", milliseconds = ", \"ms\": ";
}

std::string fixed(double value, int digits) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

// The fewest digits that give the same float again.
std::string exact(float value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string joined(std::initializer_list<std::string_view> parts) {
    std::string out;
    for (const std::string_view p : parts) out += p;
    return out;
}

// Whether one of the texts begins with the other.
bool agree(std::string_view a, std::string_view b) {
    const std::size_t common = std::min(a.size(), b.size());
    return a.substr(0, common) == b.substr(0, common);
}

// Removes a JSON string. Returns false if the text ends inside it.
bool take_string(std::string_view& text) {
    if (!text.starts_with('"')) return false;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            text.remove_prefix(i + 1);
            return true;
        }
    }
    return false;
}

void remove_number(std::string_view& text) { text.remove_prefix(std::min(text.find_first_not_of("-0123456789."), text.size())); }

}  // namespace

record_schema::record_schema(record_format format, std::vector<std::string> labels, int top, columns more, paint colours)
    : format_{format}, labels_{std::move(labels)}, top_{top}, more_{more}, paint_{colours} {}

std::string record_schema::header() const {
    if (format_ != record_format::csv) return {};
    std::string out = more_.spans ? "path,start,end,ms,error_code,error_message" : "path,ms,error_code,error_message";
    for (int i = 1; i <= top_; ++i) {
        const std::string n = std::to_string(i);
        out += ",index" + n + ",label" + n + ',' + cvt::to_string(more_.scores) + n;
    }
    return out + (more_.pictures ? ",attention" : "") + (more_.ids ? ",id\n" : "\n");
}

std::string record_schema::line(const record& r) const {
    switch (format_) {
        case record_format::text: return as_text(r);
        case record_format::jsonl: return as_json(r);
        case record_format::csv: return as_csv(r);
    }
    return {};
}

std::string record_schema::as_text(const record& r) const {
    std::string out = paint_.bold(terminal_text(r.path));
    out += span_text(r.span);
    if (r.id.type != input_id::kind::none) out += paint_.faint(" (" + terminal_text(r.id.value) + ')');
    out += '\n';
    if (r.error) return out + "  " + paint_.bad("error:") + ' ' + terminal_text(r.error.what()) + '\n';
    for (const cvt::ranked& class_ : r.top) {
        const bool value = more_.scores == cvt::scoring::value;
        const auto score = static_cast<double>(class_.probability);
        const std::string shown = value ? fixed(score, 4) : fixed(100.0 * score, 1);
        const std::string& label = labels_[static_cast<std::size_t>(class_.index)];
        const std::string line = std::string(shown.size() < 7 ? 7 - shown.size() : 0, ' ') + shown + (value ? "  " : " %  ") +
                                 (label.empty() ? "class " + std::to_string(class_.index) : terminal_text(label));
        out += (&class_ == r.top.data() ? paint_.good(line) : line) + '\n';
    }
    if (!r.top.empty() && more_.scores == cvt::scoring::sigmoid)
        out += "  (independent classes: sigmoids, which need not add up to 100 %)\n";
    if (r.top.empty()) out += "  done in " + fixed(r.milliseconds, 1) + " ms (the model has no head, so no classes)\n";
    if (!r.attention.empty()) out += "  " + paint_.faint("attention:") + ' ' + terminal_text(r.attention) + '\n';
    return out;
}

std::string record_schema::as_json(const record& r) const {
    std::string out = joined({part::path, json_string(r.path)});
    if (r.id.type != input_id::kind::none) out += joined({part::id, r.id.json()});
    if (r.span) out += joined({part::start, seconds_text(r.span->start), part::end, seconds_text(r.span->end)});
    if (r.error)
        return out +
               joined({part::error, json_string(cvt::to_string(r.error.code())), ", \"message\": ", json_string(r.error.what()), "}}\n"});
    if (!r.top.empty()) {
        out += part::top;
        for (const cvt::ranked& class_ : r.top) {
            out += &class_ == r.top.data() ? "" : ", ";
            out += "{\"index\": " + std::to_string(class_.index) +
                   ", \"label\": " + json_string(labels_[static_cast<std::size_t>(class_.index)]) + ", \"" + cvt::to_string(more_.scores) +
                   "\": " + exact(class_.probability) + '}';
        }
        out += ']';
    }
    if (!r.attention.empty()) out += joined({part::attention, json_string(r.attention)});
    return out + joined({part::milliseconds, fixed(r.milliseconds, 3), "}\n"});
}

std::string record_schema::as_csv(const record& r) const {
    std::string out = csv_field(r.path) + ',';
    if (more_.spans) out += r.span ? seconds_text(r.span->start) + ',' + seconds_text(r.span->end) + ',' : ",,";
    if (r.error)
        out += std::string{','} + cvt::to_string(r.error.code()) + ',' + csv_field(r.error.what());
    else
        out += fixed(r.milliseconds, 3) + ",,";
    for (std::size_t i = 0; i < static_cast<std::size_t>(top_); ++i) {
        if (r.error) {
            out += ",,,";
            continue;
        }
        const cvt::ranked& class_ = r.top[i];
        out += ',' + std::to_string(class_.index) + ',' + csv_field(labels_[static_cast<std::size_t>(class_.index)]) + ',' +
               exact(class_.probability);
    }
    if (more_.pictures) out += ',' + csv_field(r.attention);
    if (more_.ids) out += ',' + csv_field(r.id.value);
    return out + '\n';
}

cvt::result<record_key> parse_record(const std::string& line) {
    const cvt::result<cvt::json> document = cvt::json::parse(line);
    if (!document) return document.error();
    cvt::result<identified_path> named = path_and_id(document->root());
    if (!named) return named.error();
    const bool failed = document->root().find("error").is(cvt::json_kind::object);
    if (!failed && !document->root().find("ms")) return cvt::error::format(cvt::errc::malformed, "neither \"ms\" nor \"error\"");
    const cvt::json_value start = document->root().find("start"), end = document->root().find("end");
    const bool chunk = start.is(cvt::json_kind::number) && end.is(cvt::json_kind::number);
    if (!chunk && (start || end)) return cvt::error::format(cvt::errc::malformed, "\"start\", \"end\": expected two numbers");
    return record_key{std::move(named->path), std::move(named->id), failed,
                      chunk ? std::optional{time_span{start.number(), end.number()}} : std::nullopt};
}

bool may_be_incomplete_record(std::string_view text) {
    const std::size_t written = std::min(text.find('\0'), text.size());
    if (text.find_first_not_of('\0', written) != std::string_view::npos) return false;
    text = text.substr(0, written);
    if (!agree(text, part::path)) return false;
    text.remove_prefix(std::min(part::path.size(), text.size()));
    if (!text.empty() && text.front() != '"') return false;
    if (!take_string(text)) return true;
    if (text.starts_with(part::id)) {
        text.remove_prefix(part::id.size());
        if (text.starts_with('"')) {
            if (!take_string(text)) return true;
        } else {
            remove_number(text);
        }
    } else if (agree(text, part::id)) {
        return true;
    }
    if (text.starts_with(part::start)) {
        text.remove_prefix(part::start.size());
        remove_number(text);
        if (!text.starts_with(part::end)) return agree(text, part::end);
        text.remove_prefix(part::end.size());
        remove_number(text);
    } else if (agree(text, part::start)) {
        return true;
    }
    const auto may_be = [&](std::string_view next) { return agree(text, next); };
    return may_be(part::error) || may_be(part::top) || may_be(part::attention) || may_be(part::milliseconds);
}

}  // namespace app
