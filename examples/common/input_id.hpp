// input_id: the name that a user gives to an input; time_span: the part of a recording. Records have a path and both.
#pragma once

#include <cvt/error.hpp>
#include <cvt/extra/json.hpp>
#include <string>

namespace app {

/// The user's name for an image, repeated in its record.
struct input_id {
    enum class kind { none, integer, text };
    kind type = kind::none;
    std::string value;

    /// The id as a JSON value; empty if there is none.
    [[nodiscard]] std::string json() const;
};

/// A part of a recording, in seconds from its beginning.
struct time_span {
    double start = 0, end = 0;
};

/// The number in the fewest digits that give it again, without an exponent.
std::string seconds_text(double seconds);
/// "  6-12 s", for reports; empty without a span.
std::string span_text(const std::optional<time_span>& span);
/// ", "start": 6, "end": 12", the members of a JSON object after its path; empty without a span.
std::string span_json(const std::optional<time_span>& span);

/// A path, and its id if there is one.
struct identified_path {
    std::string path;
    input_id id;
};

/// Reads "path" and "id" of an object. The path may be any text, since the record of an invalid line repeats the line. Errors:
/// malformed.
cvt::result<identified_path> path_and_id(const cvt::json_value& object);

}  // namespace app
