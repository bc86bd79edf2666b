#include "services/planner/app/planner_app.h"

int main(int argc, char** argv) {
  return penstock::planner::RunPlanner(argc, argv);
}
