// Runs the classify program as a shell does: passes arguments and standard input; reads records, messages and the exit code.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "support/classify_program.hpp"
#include "support/json.hpp"
#include "support/temporary_folder.hpp"
#include "support/text_files.hpp"

namespace cvt_test {

using json = nlohmann::json;

constexpr int class_count = 219, input_side = 80;  ///< of the built-in model

/// A run whose standard streams are pipes to the test.
class running_classify {
public:
    explicit running_classify(const std::vector<std::string>& arguments, const char* folder = nullptr) {
        int in[2], out[2], err[2];
        open_pipe(in);
        open_pipe(out);
        open_pipe(err);
        child_ = ::fork();
        if (child_ == 0) {
            if (folder != nullptr && ::chdir(folder) != 0) ::_exit(99);
            ::dup2(in[0], 0);
            ::dup2(out[1], 1);
            ::dup2(err[1], 2);
            become_classify(arguments);
        }
        ::close(in[0]);
        ::close(out[1]);
        ::close(err[1]);
        in_ = in[1];
        out_ = out[0];
        err_ = err[0];
    }
    ~running_classify() {
        close_input();
        close_output();
        ::close(err_);
        if (child_ > 0) wait();
    }
    running_classify(const running_classify&) = delete;
    running_classify& operator=(const running_classify&) = delete;

    void write(const std::string& text) const { REQUIRE(::write(in_, text.data(), text.size()) == static_cast<ssize_t>(text.size())); }
    void close_input() { close(in_); }
    void close_output() { close(out_); }
    void interrupt() const { ::kill(child_, SIGINT); }
    [[nodiscard]] pid_t id() const { return child_; }

    /// Waits until the program has used `seconds` of processor time, for a minute at most.
    void wait_for_work(double seconds) const {
        clockid_t clock{};
        timespec had{};
        REQUIRE(::clock_getcpuclockid(child_, &clock) == 0);
        for (int patience = 6000; patience > 0; --patience) {
            if (::clock_gettime(clock, &had) == 0 && static_cast<double>(had.tv_sec) + 1e-9 * static_cast<double>(had.tv_nsec) >= seconds)
                return;
            ::usleep(10'000);
        }
    }

    /// Blocks until a whole line has arrived, or the end.
    [[nodiscard]] std::string read_line() const {
        std::string line;
        char c = 0;
        while (::read(out_, &c, 1) == 1 && c != '\n') line += c;
        return line;
    }
    [[nodiscard]] std::string read_output() const { return read_all(out_); }
    [[nodiscard]] std::string read_messages() const { return read_all(err_); }

    /// The exit code, or minus the signal that ended the program.
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(child_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

private:
    static void open_pipe(int (&ends)[2]) {
        if (::pipe(ends) != 0) throw std::runtime_error{"pipe"};
        for (const int end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
    }
    static void close(int& file) {
        if (file >= 0) ::close(std::exchange(file, -1));
    }
    static std::string read_all(int file) {
        std::string text;
        char block[4096];
        for (ssize_t n = 0; (n = ::read(file, block, sizeof block)) > 0;) text.append(block, static_cast<std::size_t>(n));
        return text;
    }

    pid_t child_ = -1;
    int in_ = -1, out_ = -1, err_ = -1;
};

struct outcome {
    int code = -1;
    std::string out, err;

    /// The records of --format jsonl, parsed by nlohmann-json.
    [[nodiscard]] std::vector<json> records() const {
        std::vector<json> all;
        for (const std::string& line : lines_of(out)) all.push_back(parse_json(line));
        return all;
    }
};

/// Runs to the end. Standard output and error must each fit into a pipe (64 KiB).
inline outcome classify(const std::vector<std::string>& arguments, const std::string& standard_input = {}, const char* folder = nullptr) {
    running_classify run{arguments, folder};
    if (!standard_input.empty()) run.write(standard_input);
    run.close_input();
    outcome o;
    o.out = run.read_output();
    o.err = run.read_messages();
    o.code = run.wait();
    return o;
}

}  // namespace cvt_test
