// What the command line needs of the operating system beyond the standard library; each system has a source for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace app {

// What fails below leaves its reason in errno.

/// Names of files are texts as arguments, records and the library have them: bytes on POSIX, UTF-8 on Windows. There
/// std::filesystem takes texts for something else.
std::filesystem::path path_of(const std::string& text);
std::string text_of(const std::filesystem::path& path);

/// Descriptors of the standard streams.
constexpr int standard_input = 0, standard_output = 1, standard_error = 2;

/// To be called first: gives closed standard streams' numbers away, to what cannot be used, before a file gets one of them;
/// sees that what is written to standard output arrives as it is, and that a terminal takes it for UTF-8.
void prepare_streams();
bool is_terminal(int stream);
/// Whether that terminal shows escape sequences as colours.
bool understands_escapes(int stream);
/// Characters in a line of the terminal; 80 where that is unknown.
int terminal_width(int stream);
/// Whether `problem`, the errno of a write to standard output, means that nobody reads it any more.
bool reader_is_gone(int problem);

/// All of it to standard output, at once. False when that fails; EINTR: an interrupt came.
bool write_output(std::string_view text);

/// What came of the time that a read would have waited for who writes.
enum class waiting {
    used,  ///< something was done, and there may be more to do
    idle,  ///< nothing is left to do: the read waits as long as it takes
    over,  ///< nobody wants any more what would be read
};
/// Called while a read has nothing to give, again and again.
using pastime = std::function<waiting()>;
inline waiting no_pastime() { return waiting::idle; }

/// Some bytes of standard input, as soon as there are any: how many, 0 at its end, -1 when it fails; EINTR: an interrupt came, or the
/// waiting is over.
std::ptrdiff_t read_input(char* to, std::size_t size, const pastime& meanwhile);

/// Whether files can be made in that folder.
bool may_write_into(const std::string& folder);

/// Of the machine, in all; 0 where that is not known.
std::uint64_t memory_bytes();

/// A file, closed with its object.
class file {
public:
    enum class mode { read, write, append, append_only };  ///< append: may be read too
    enum class lock_result { done, taken, impossible };

    file() = default;
    /// To write, makes the file if there is none. False in a condition where that fails.
    file(const std::string& path, mode how);
    file(file&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}
    file& operator=(file&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~file();

    explicit operator bool() const { return descriptor_ >= 0; }
    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// Null for what is no regular file: pipes, devices.
    [[nodiscard]] std::optional<std::uint64_t> size() const;
    /// The next bytes, as read_input() gives them.
    std::ptrdiff_t read(char* to, std::size_t count, const pastime& meanwhile) const;
    /// Moves on, not in pipes.
    [[nodiscard]] bool skip(std::uint64_t bytes) const;
    /// Some bytes from `at` on: how many, 0 at the end, -1 when it fails.
    std::ptrdiff_t read_at(std::uint64_t at, char* to, std::size_t count) const;
    /// All of it, there or at the end. False when that fails.
    bool write_at(std::uint64_t at, const void* data, std::size_t count) const;
    bool append(const std::string& text) const;
    /// Against other processes, for as long as the file is open here, however this process ends. Does not wait.
    [[nodiscard]] lock_result lock() const;
    [[nodiscard]] bool truncate(std::uint64_t size) const;
    /// Brings what was written to the disk, where there is one.
    [[nodiscard]] bool sync() const;

private:
    int descriptor_ = -1;
};

}  // namespace app
