// The operating system functions that the command line needs beyond the standard library. Each system has its own source.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/failure.hpp"

namespace app {

// Functions below that fail leave the reason in errno.

/// Descriptors of the standard streams.
constexpr int standard_input = 0, standard_output = 1, standard_error = 2;

/// Call first. Points closed standard descriptors at an unusable device, so that no output file can take their numbers; sets binary
/// output, and UTF-8 on Windows consoles.
void prepare_streams();
bool is_terminal(int stream);
/// Whether the terminal shows escape sequences as colours.
bool understands_escapes(int stream);
/// Characters in a line of the terminal; 80 if that is unknown.
int terminal_width(int stream);
/// Whether `error`, the errno of a write to standard output, means that the reader has closed it.
bool reader_is_gone(int error);

/// Writes all of `text` to standard output. Returns false on failure, with EINTR after an interrupt.
bool write_output(std::string_view text);

/// State shared by the reader thread and the threads that wait for its input.
struct read_control {
    std::atomic<bool> starved = false;    ///< set by a read while it has no data
    std::atomic<bool> cancelled = false;  ///< makes a read that waits give up
    std::atomic<std::size_t> in_flight =
        0;  ///< inputs without a record: while there are any, a read must be one that can be cancelled (Windows)
};

/// Reads the bytes that are available from standard input, and waits only if there are none. Returns their number, 0 at the end, -1
/// on failure; EINTR: interrupted or cancelled.
std::ptrdiff_t read_input(char* to, std::size_t size, read_control& control);

/// Whether files can be created in the folder.
bool may_write_into(const std::string& folder);

/// Bytes of physical memory; 0 if that is unknown.
std::uint64_t memory_bytes();

/// An open file, closed by the destructor.
class file {
public:
    enum class mode { read, write, append, append_only };  ///< append also reads
    enum class lock_result { done, taken, impossible };

    file() = default;
    /// Creates a missing file, unless it is opened to read. On failure the object converts to false.
    file(const std::string& path, mode how);
    file(file&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}
    file& operator=(file&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~file();

    explicit operator bool() const { return descriptor_ >= 0; }
    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// Null for pipes and devices.
    [[nodiscard]] std::optional<std::uint64_t> size() const;
    /// Reads the next bytes, as read_input() does.
    std::ptrdiff_t read(char* to, std::size_t count, read_control& control) const;
    /// Moves the position of a regular file forward.
    [[nodiscard]] bool skip(std::uint64_t bytes) const;
    /// Reads up to `count` bytes at `at`. Returns their number, 0 at the end, -1 on failure.
    std::ptrdiff_t read_at(std::uint64_t at, char* to, std::size_t count) const;
    /// Writes all bytes, at `at` or at the end. Returns false on failure.
    bool write_at(std::uint64_t at, const void* data, std::size_t count) const;
    bool append(const std::string& text) const;
    /// Locks the file against other processes until it is closed. Does not wait.
    [[nodiscard]] lock_result lock() const;
    [[nodiscard]] bool truncate(std::uint64_t size) const;
    /// Flushes written data to the disk, if there is one.
    [[nodiscard]] bool sync() const;

private:
    int descriptor_ = -1;
};

// Interrupts: the first one lets the record in progress finish, a second one ends the program at once.

/// Notes SIGINT, SIGTERM and SIGHUP instead of ending the process (an ignored SIGHUP stays ignored: nohup), and lets writes to a
/// closed pipe or beyond a file size limit fail.
void catch_signals();
bool interrupt_requested();
/// The exit code that shells report for the signal: 130, 143 or 129.
int interrupt_code();
/// Ends the program quietly if an interrupt made the last call fail.
inline void end_if_interrupted() {
    if (interrupt_requested()) throw failure{static_cast<exit_code>(interrupt_code()), ""};
}

/// While an object lives, new threads leave these signals to the main thread, whose blocking calls they end.
class without_interrupts {
public:
    without_interrupts();
    ~without_interrupts();
    without_interrupts(const without_interrupts&) = delete;
    without_interrupts& operator=(const without_interrupts&) = delete;
};

}  // namespace app
