// input_id.hpp: reads the two keys with the library's JSON reader.
#include "common/input_id.hpp"

#include <charconv>

#include "common/text.hpp"

namespace app {

using cvt::json_kind;
using cvt::json_value;

std::string input_id::json() const { return type == kind::text ? json_string(value) : value; }

std::string seconds_text(double seconds) {
    char text[64];
    return {text, std::to_chars(text, text + sizeof text, seconds, std::chars_format::fixed).ptr};
}

std::string span_text(const std::optional<time_span>& span) {
    return span ? "  " + seconds_text(span->start) + '-' + seconds_text(span->end) + " s" : std::string{};
}

std::string span_json(const std::optional<time_span>& span) {
    return span ? ", \"start\": " + seconds_text(span->start) + ", \"end\": " + seconds_text(span->end) : std::string{};
}

cvt::result<identified_path> path_and_id(const json_value& object) {
    if (!object.is(json_kind::object))
        return cvt::error::format(cvt::errc::malformed, "expected an object with a \"path\", found %s", to_string(object.kind()));
    const json_value path = object.find("path"), id = object.find("id");
    if (!path.is(json_kind::string))
        return cvt::error::format(cvt::errc::malformed, "\"path\": expected a string, found %s", path ? to_string(path.kind()) : "none");
    identified_path line{std::string{path.string()}, {}};
    if (id.is(json_kind::string))
        line.id = {input_id::kind::text, std::string{id.string()}};
    else if (id.is(json_kind::number) && id.integer())
        line.id = {input_id::kind::integer, std::to_string(*id.integer())};
    else if (id)
        return cvt::error::format(cvt::errc::malformed, "\"id\": expected a string or a signed 64-bit integer, found %s",
                                  id.is(json_kind::number) ? "another number" : to_string(id.kind()));
    return line;
}

}  // namespace app
