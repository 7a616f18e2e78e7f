// Starts classify from a test, through the emulator if the test itself runs on one.
#pragma once

#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

namespace cvt_test {

/// The program in a shell command.
inline constexpr const char* shell_classify = CVT_TEST_EMULATOR " '" CVT_CLASSIFY "'";

/// Replaces this process by classify with these arguments; exits with status 98 on failure.
[[noreturn]] inline void become_classify(const std::vector<std::string>& arguments) {
    std::vector<std::string> words;
    std::istringstream emulator{CVT_TEST_EMULATOR};
    for (std::string word; emulator >> word;) words.push_back(word);
    words.emplace_back(CVT_CLASSIFY);
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::_exit(98);
}

}  // namespace cvt_test
