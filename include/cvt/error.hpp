// Errors without allocation or exceptions: errc, error (a code and a text) and result<T> (a value or an error).
#pragma once

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include "version.hpp"

#if defined(__MINGW_PRINTF_FORMAT)  // MinGW: "printf" is the format of Windows' old library, not that of std::vsnprintf
#define CVT_PRINTF(format_at, first_at) __attribute__((format(__MINGW_PRINTF_FORMAT, format_at, first_at)))
#elif defined(__GNUC__)
#define CVT_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define CVT_PRINTF(format_at, first_at)
#endif

CVT_NAMESPACE_BEGIN

/// Kind of an error. The error's text names the thing, what was expected and what was found.
enum class errc : unsigned char {
    ok,
    invalid_argument,  ///< the caller passed sizes, names or options that do not fit
    out_of_memory,     ///< an allocation failed
    io,                ///< a file cannot be opened or read
    malformed,         ///< a file's bytes do not follow its format
    unsupported,       ///< a well-formed file uses a feature that the library does not have
    bad_config,        ///< a configuration that no CvT can have
    mismatch,          ///< checkpoint and configuration disagree (missing, unexpected or differently shaped tensors)
    bad_image,         ///< pixels that cannot be preprocessed
    bad_sound,         ///< samples that cannot be preprocessed
};

/// Name of a code in lower case, as the command line prints it: "out_of_memory".
constexpr const char* to_string(errc code) noexcept {
    constexpr const char* names[]{"ok",          "invalid_argument", "out_of_memory", "io",        "malformed",
                                  "unsupported", "bad_config",       "mismatch",      "bad_image", "bad_sound"};
    return code <= errc::bad_sound ? names[static_cast<int>(code)] : "unknown";
}

/// A code and a text of at most `capacity - 1` bytes (longer ones end in "..."). Converts to true if something went wrong,
/// as std::error_code does; a result converts to true if nothing did.
/// @code{.cpp}
/// cvt::error e = session.classify(photo, logits);
/// if (e.code() == cvt::errc::bad_image) return 0;  // skip this photo
/// if (e) std::fprintf(stderr, "%s\n", e.what());
/// @endcode
class [[nodiscard]] error {
public:
    static constexpr std::size_t capacity = 480;

    error() noexcept : code_{errc::ok} { text_[0] = '\0'; }

    /// Formats the text as printf does; cuts it and never allocates. Control characters become '?', because names come from
    /// files and must not control a terminal or a log.
    CVT_PRINTF(2, 3) static error format(errc code, const char* pattern, ...) noexcept {
        std::va_list arguments;
        va_start(arguments, pattern);
        error e;
        e.code_ = code;
        const int length = std::vsnprintf(e.text_, capacity, pattern, arguments);
        va_end(arguments);
        if (length < 0) e.text_[0] = '\0';
        if (length >= static_cast<int>(capacity)) {
            char* cut = e.text_ + capacity - 4;
            while (cut > e.text_ && (static_cast<unsigned char>(*cut) & 0xC0U) == 0x80U) --cut;  // not inside a character
            std::memcpy(cut, "...", 4);
        }
        for (char* c = e.text_; *c != '\0'; ++c) {
            const auto byte = static_cast<unsigned char>(*c), next = static_cast<unsigned char>(c[1]);
            if (byte < 0x20 || byte == 0x7F || (byte == 0xC2 && next >= 0x80 && next < 0xA0)) *c = '?';
            if (byte == 0xC2 && *c == '?') *++c = '?';  // U+0080 to U+009F have two bytes
        }
        return e;
    }

    static error out_of_memory(const char* what, unsigned long long bytes) noexcept {
        return format(errc::out_of_memory, "out of memory: %s needs %llu bytes", what, bytes);
    }

    explicit operator bool() const noexcept { return code_ != errc::ok; }
    [[nodiscard]] errc code() const noexcept { return code_; }
    /// The message, in UTF-8 if the names in it are; empty if nothing went wrong. Valid as long as this object.
    [[nodiscard]] const char* what() const noexcept { return text_; }

private:
    errc code_;
    char text_[capacity];
};

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
/// Thrown by result<T>::value(); nothing else in the library throws.
/// @code{.cpp}
/// try {
///     cvt::model model = cvt::model::load("cvt-13/").value();
/// } catch (const cvt::bad_result& e) {
///     std::fprintf(stderr, "%s\n", e.what());
/// }
/// @endcode
class bad_result : public std::exception {
public:
    explicit bad_result(const cvt::error& e) noexcept : error_{e} {}
    [[nodiscard]] const char* what() const noexcept override { return error_.what(); }
    [[nodiscard]] const cvt::error& error() const noexcept { return error_; }

private:
    cvt::error error_;
};
#endif

/// A T or the error that prevented it. Converts to true if there is a T; test it before use.
/// @code{.cpp}
/// cvt::result<cvt::model> model = cvt::model::load("cvt-13/");
/// if (!model) return report(model.error());
/// std::printf("%d classes\n", model->config().num_classes);
/// @endcode
template <class T>
class [[nodiscard]] result {
public:
    result(T&& value) noexcept : good_{true}, value_(std::move(value)) {}
    result(const T& value) noexcept(std::is_nothrow_copy_constructible_v<T>) : good_{true}, value_(value) {}
    /// `e` must hold an error.
    result(const cvt::error& e) noexcept : good_{false}, error_(e) {}
    result(result&& other) noexcept : good_{other.good_} {
        if (good_)
            ::new (static_cast<void*>(&value_)) T(std::move(other.value_));
        else
            ::new (static_cast<void*>(&error_)) cvt::error(other.error_);
    }
    result& operator=(result&& other) noexcept {
        if (this == &other) return *this;
        this->~result();
        return *::new (static_cast<void*>(this)) result(std::move(other));
    }
    ~result() {
        if (good_) value_.~T();  // an error has nothing to destroy
    }

    explicit operator bool() const noexcept { return good_; }
    T& operator*() & noexcept { return value_; }
    const T& operator*() const& noexcept { return value_; }
    T&& operator*() && noexcept { return std::move(value_); }
    T* operator->() noexcept { return &value_; }
    const T* operator->() const noexcept { return &value_; }

    /// The error; empty if there is a value.
    [[nodiscard]] cvt::error error() const noexcept { return good_ ? cvt::error{} : error_; }

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
    /// Returns the value or throws bad_result. Not declared in units without exceptions.
    T& value() & {
        if (!good_) throw bad_result{error_};
        return value_;
    }
    T&& value() && {
        if (!good_) throw bad_result{error_};
        return std::move(value_);
    }
#endif

private:
    bool good_;
    union {
        T value_;
        cvt::error error_;
    };
};

CVT_NAMESPACE_END
