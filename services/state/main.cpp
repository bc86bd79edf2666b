#include "services/state/app/state_app.h"

int main(int argc, char** argv) {
  return penstock::state::RunState(argc, argv);
}
