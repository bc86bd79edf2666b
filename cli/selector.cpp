#include "cli/selector.h"

namespace penstock::cli {
namespace {

CLI::Option* AddPairs(CLI::App* verb, const std::string& option, std::vector<std::string>& pairs,
                      const std::string& form, const std::string& help) {
  return verb->add_option(option, pairs, help)
      ->type_name(form)
      ->allow_extra_args(false)
      ->check([form](const std::string& pair) {
        const size_t equals = pair.find('=');
        const bool right = equals != std::string::npos && equals > 0;
        return right ? std::string() : "\"" + pair + "\" is not of the form " + form;
      });
}

}  // namespace

CLI::Option* AddSelector(CLI::App* verb, std::vector<std::string>& labels,
                         const std::string& help) {
  return AddPairs(verb, "-l,--selector", labels, "label=value", help);
}

CLI::Option* AddKey(CLI::App* verb, std::vector<std::string>& columns, const std::string& help) {
  return AddPairs(verb, "--key", columns, "column=value", help);
}

TextMap MapOf(const std::vector<std::string>& pairs) {
  TextMap out;
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    out[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return out;
}

}  // namespace penstock::cli
