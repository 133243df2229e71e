/** The program of a worker process; started by the supervisor alone. */
import { attend } from '#admin';
import { work } from '#gateway';

work(attend);
