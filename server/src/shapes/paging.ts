/** The shapes of paging: parameters of lists, and the links to other pages in answers. */
import { Type } from 'typebox';

/** Query parameters of every list. */
export const PAGING = {
  pageToken: Type.Optional(Type.String({ description: '`pagination.next` of the previous page.' })),
  pageSize: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 50,
      description: 'Entries of a page.',
      'x-error-above': 'pageSize',
    }),
  ),
};

export const PAGINATION = Type.Object(
  {
    next: Type.Union([Type.String(), Type.Null()], {
      description: 'Token of the next page, null on the last.',
    }),
    self: Type.Union([Type.String(), Type.Null()], { description: 'Token of this page.' }),
  },
  { $id: 'Pagination' },
);

export const PAGE_SIZE_DEFAULT = 50;

/** Filters of lists by date: parameters of queries, and fields of searches. */
export const DATES = {
  startDate: Type.Optional(
    Type.String({
      format: 'date-time',
      description:
        'Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.',
    }),
  ),
  endDate: Type.Optional(
    Type.String({
      format: 'date-time',
      description:
        'Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.',
    }),
  ),
};
