// Reads the members of a JSON object into typed variables; errors name the file, the key, what was expected and what was found.
#pragma once

#include <climits>
#include <initializer_list>
#include <string_view>

#include "json.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Reads members of `object` into variables that already hold the defaults: a missing or null member leaves them unchanged.
/// The first error is kept, and nothing is read after it.
class json_fields {
public:
    /// `file` names the document in messages.
    json_fields(json_value object, const char* file) noexcept : object_{object}, file_{file} {
        if (!object.is(json_kind::object)) mismatch("the document", "an object", object);
    }

    [[nodiscard]] const error& failure() const noexcept { return failure_; }
    explicit operator bool() const noexcept { return !failure_; }

    /// Returns the member, or an empty value if it is missing or null, or after an error.
    [[nodiscard]] json_value get(const char* key) const noexcept {
        if (failure_) return {};
        const json_value v = object_.find(key);
        return v.is(json_kind::null) ? json_value{} : v;
    }

    void read(const char* key, auto& out) noexcept {
        if (const json_value v = get(key)) convert(key, v, out);
    }

    /// Converts `v` to the type of `out`; messages call it `name`.
    void convert(const char* name, json_value v, bool& out) noexcept {
        if (!v.is(json_kind::boolean)) return mismatch(name, "true or false", v);
        out = v.boolean();
    }
    void convert(const char* name, json_value v, int& out) noexcept {
        const std::int64_t whole = v.integer().value_or(INT64_MAX);
        if (whole < INT_MIN || whole > INT_MAX) return mismatch(name, "an integer", v);
        out = static_cast<int>(whole);
    }
    void convert(const char* name, json_value v, double& out) noexcept {
        if (!v.is(json_kind::number)) return mismatch(name, "a number", v);
        out = v.number();
    }
    /// Sets `out` to the value of an enumeration whose values are called `texts`, in their order. Leaves it unchanged if there is
    /// no `v`, or on an error.
    template <class Enum>
    void choose(const char* name, json_value v, std::initializer_list<const char*> texts, const char* expected, auto& out) noexcept {
        for (std::size_t i = 0; i < texts.size(); ++i)
            if (v.is_text(texts.begin()[i])) return void(out = static_cast<Enum>(i));
        if (v) mismatch(name, expected, v);
    }

    void mismatch(const char* name, const char* expected, json_value found, errc code = errc::bad_config) noexcept {
        char text[168];
        describe(found, text);
        fail(error::format(code, "%s: %s: expected %s, found %s", file_, name, expected, text));
    }
    /// Keeps `e` unless there is an earlier error.
    void fail(const error& e) noexcept {
        if (!failure_) failure_ = e;
    }
    [[nodiscard]] const char* file() const noexcept { return file_; }

private:
    static void describe(json_value v, char (&text)[168]) noexcept {
        if (v.is(json_kind::string))
            std::snprintf(text, sizeof text, "\"%s\"", detail::printable{v.string(), 60}.text);
        else if (v.is(json_kind::number) && v.integer())
            std::snprintf(text, sizeof text, "%lld", static_cast<long long>(*v.integer()));
        else if (v.is(json_kind::number))
            std::snprintf(text, sizeof text, "the real number %g", v.number());
        else if (v.is(json_kind::boolean))
            std::snprintf(text, sizeof text, "%s", v.boolean() ? "true" : "false");
        else
            std::snprintf(text, sizeof text, "%s", v ? to_string(v.kind()) : "nothing");
    }

    json_value object_;
    const char* file_;
    error failure_;
};

}  // namespace checkpoint
CVT_NAMESPACE_END
